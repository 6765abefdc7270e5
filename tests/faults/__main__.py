"""`python -m tests.faults`: see `./run faults --help`."""

from __future__ import annotations

import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    # The order of a set of strings must be the same in every process, or a seed is not a history.
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]], os.environ | {"PYTHONHASHSEED": "0"}
    )

from tests.faults.pool import begin

begin()

from tests.faults.command import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
