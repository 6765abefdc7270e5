"""The sandbox journey itself: it ends well at every stand-in, and says what is wrong where something is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paywell.processors.contract import Style
from tests.contract.rig import DECLINED, PAID, RETURN_URL, Rig
from tests.sandbox.journey import WentWrong, travel


class RigPayer:
    """The stand-in's payer before the journey: what is paid on the page is done through the rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def good_card(self) -> str:
        return self.rig.token(PAID)  # type: ignore[attr-defined]

    def bad_card(self) -> str:
        return self.rig.token(DECLINED)  # type: ignore[attr-defined]

    def walk(self, url: str, what: str) -> None:
        raise AssertionError("only for card fields")


def test_the_journey_ends_well_at_a_stand_in(rig: Rig) -> None:
    if rig.processor.style is not Style.INLINE or not hasattr(rig, "token"):
        pytest.skip(f"{rig.name} has a page of its own, or its fields are not for the journey")
    steps = [step.name for step in travel(rig.processor, RigPayer(rig), RETURN_URL)]
    assert steps[:3] == ["set-up", "a new card", "the card is kept"]
    assert steps[-2:] == ["the list", "the card is forgotten"]
    assert "a declined card" in steps


def test_the_journey_says_where_a_processor_breaks_a_promise(rig: Rig) -> None:
    if not hasattr(rig, "token") or rig.processor.style is not Style.INLINE:
        pytest.skip(f"{rig.name} has a page of its own, or its fields are not for the journey")
    payer = RigPayer(rig)
    payer.bad_card = payer.good_card  # type: ignore[method-assign]
    with pytest.raises(WentWrong, match="a declined card"):
        list(travel(rig.processor, payer, RETURN_URL))


@pytest.mark.parametrize("name", ["stripe", "stripe_checkout", "authorize_net"])
def test_without_keys_the_sandbox_is_skipped_and_says_what_to_set(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox", "--processor", name],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith(f"Skipped: no keys for {name}. Set PAYWELL_SANDBOX_{name.upper()}_")
