"""`./run check`: every static check, all of them even if one fails, with one line each at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

PYTHON = [sys.executable, "-W", "ignore", "-m"]
CHECKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("lint", [*PYTHON, "ruff", "check", "."], {}),
    ("format", [*PYTHON, "ruff", "format", "--check", "-q", "."], {}),
    ("import rules", [str(Path(sys.executable).parent / "lint-imports")], {}),
    ("types", [*PYTHON, "mypy"], {}),
    ("Django", [*PYTHON, "paywell", "check", "--fail-level", "WARNING"], {}),
    ("migrations", [*PYTHON, "paywell", "makemigrations", "--check", "--dry-run"], {}),
    ("templates", [*PYTHON, "tests.templates"], {}),
]


def main() -> int:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "paywell.config.settings.test"}
    failed = []
    for name, command, extra in CHECKS:
        began = time.monotonic()
        done = subprocess.run(command, env={**environment, **extra}, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr)
        print(f"{'FAILED' if done.returncode else 'ok':7}{name} ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        print(f"{len(failed)} of {len(CHECKS)} checks failed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
