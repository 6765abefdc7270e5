"""`./run` makes its environment by itself, and only once, however many begin together."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: A Python that makes a new environment out of itself, takes its time to install, and writes down when it did.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") echo begin >>log; sleep 0.3; echo end >>log ;;
  "-m tests.check") echo checked >>log ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `./run` needs of a fresh clone, and a Python beside it."""
    shutil.copy(ROOT / "run", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("locked\n")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def begin(clone: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHON": str(clone / "python")}
    return subprocess.Popen([clone / "run", "check"], env=environment, stderr=subprocess.DEVNULL)


def test_two_that_begin_together_install_once_and_one_after_the_other(clone: Path) -> None:
    both = [begin(clone), begin(clone)]
    assert [each.wait(timeout=60) for each in both] == [0, 0]
    told = (clone / "log").read_text().split()
    assert told == ["begin", "end"] * 2 + ["checked"] * 2  # the packages, and Paywell itself


def test_a_changed_lock_file_is_installed_anew_and_one_that_is_installed_is_not(clone: Path) -> None:
    def run() -> list[str]:
        (clone / "log").write_text("")
        assert begin(clone).wait(timeout=60) == 0
        return (clone / "log").read_text().split()

    installed = ["begin", "end"] * 2 + ["checked"]
    assert run() == installed
    assert run() == ["checked"]
    (clone / "requirements" / "dev.txt").write_text("locked anew\n")
    assert run() == installed
