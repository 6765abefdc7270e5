"""Guards of the restore from an older back-up. Each is switched off in histories that have one."""

from __future__ import annotations

from contextlib import ExitStack

from tests.faults.mutants.registry import mutant, put


@mutant("a restore reads the processors' lists before payments open", profile="restore", pays_again=True)
def restore_without_sweep(stack: ExitStack) -> None:
    put(stack, "paywell.payments.restoring.sweep", lambda account, since: 0)


@mutant("a restore fences what could still take money", "KNH", profile="restore", pays_again=True)
def restore_without_fence(stack: ExitStack) -> None:
    put(stack, "paywell.payments.restoring.fence_live", lambda account, processor, since: 0)
