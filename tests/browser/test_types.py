"""Our scripts speak to Stripe.js and to Square's SDK as their own type definitions say."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PORTAL = ROOT / "src/paywell/portal/static/portal/fields.js"
ADAPTERS = ROOT / "src/paywell/processors/connectors"
#: Longer than the 5 MB take on a slow line; then it is skipped.
INSTALL_S = 120


@pytest.fixture(scope="session")
def modules() -> Path:
    """The packages of package.json, installed once for each version of it, outside the project."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here: the browser code is not type-checked")
    manifest = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "paywell" / f"browser-{hashlib.sha256(manifest).hexdigest()[:12]}"
    if not folder.exists():
        _install(npm, manifest, folder)
    return folder


def _install(npm: str, manifest: bytes, folder: Path) -> None:
    """Whole beside its place, then put there: another process may be doing the same at this moment."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="browser-", dir=folder.parent, ignore_cleanup_errors=True) as making:
        (Path(making) / "package.json").write_bytes(manifest)
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        try:
            done = subprocess.run(
                command, cwd=making, capture_output=True, text=True, timeout=INSTALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not install in time: the browser code is not type-checked")
        if done.returncode:
            pytest.skip(f"npm can't install here: the browser code is not type-checked ({done.stderr[-200:]})")
        # Where the other was first, its folder stays.
        with suppress(OSError):
            Path(making).rename(folder)


def check(modules: Path, files: list[Path], folder: Path) -> str:
    """What TypeScript has to say about these scripts; empty when all is well."""
    settings = {
        "compilerOptions": {
            "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "skipLibCheck": True,
            "target": "es2022", "module": "es2022", "moduleResolution": "bundler", "lib": ["es2022", "dom"],
            "types": [], "paths": {"*": [str(modules / "node_modules/*")]},
        },
        "files": [*map(str, files), str(HERE / "globals.d.ts")],
    }  # fmt: skip
    project = folder / "tsconfig.json"
    project.write_text(json.dumps(settings))
    done = subprocess.run(
        ["node", str(modules / "node_modules/typescript/bin/tsc"), "-p", str(project), "--pretty", "false"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def adapters() -> list[Path]:
    return sorted(ADAPTERS.glob("*/static/fields.js"))


def test_the_browser_code_keeps_to_the_processors_own_types(modules: Path, tmp_path: Path) -> None:
    assert adapters()
    assert check(modules, [PORTAL, *adapters()], tmp_path) == ""


def test_the_stand_in_for_stripe_s_script_keeps_to_them_too(modules: Path, tmp_path: Path) -> None:
    assert check(modules, [HERE / "stripe_stub.js"], tmp_path) == ""


def test_a_wrong_call_is_found(modules: Path, tmp_path: Path) -> None:
    stripe = ADAPTERS / "stripe/static/fields.js"
    wrong = tmp_path / "fields.js"
    text = stripe.read_text()
    for good, bad in (
        ("allowedPaymentMethodTypes:", "paymentMethodTypes:"),
        ("createConfirmationToken(", "confirm("),
    ):
        assert good in text
        text = text.replace(good, bad)
    wrong.write_text(text)
    assert check(modules, [PORTAL, wrong], tmp_path).count("error TS") >= 2
