"""What every connector must do, tested once: `src/paywell/processors/contract.py` as a suite.

A connector joins with a `Rig` of its own (see `rig.py`) and a line in `conftest.py`. What a processor can't do
by nature (its `capabilities` say so) is skipped by name, not forgotten.
"""
