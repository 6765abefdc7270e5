"""A bad day at the processor or on the way: nothing is guessed, and the look-up tells the truth afterwards."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from paywell.core.clock import now
from paywell.processors.contract import Capability, ProcessorUnavailable, Style, Submission, Verdict
from tests.contract import rig as cards
from tests.contract.rig import Rig, new_order, new_refund, wait_until

#: Fault, and whether the call had its effect all the same.
LOSSES = [
    ("silent_before", False),
    ("silent_after", True),
    ("drop_before", False),
    ("drop_after", True),
    ("error_before", False),
    ("error_after", True),
    ("garbage", True),
    ("truncated", True),
    ("unknown_word", True),
]


@pytest.mark.parametrize(("fault", "happened"), LOSSES)
def test_an_open_without_a_trustworthy_answer_is_unknown(rig: Rig, fault: str, happened: bool) -> None:
    if not rig.calls_at_open:
        pytest.skip(f"{rig.name} has nothing to open")
    order = new_order()
    rig.script("open", fault)
    assert rig.impatient().open(order).verdict is Verdict.UNKNOWN
    truth = rig.processor.look_up(order)
    assert truth.verdict is (Verdict.NEEDS_ACTION if happened and rig.knows_opened else Verdict.ABSENT)
    again = rig.processor.open(order)  # the same key: the same charge, or the first one now
    assert again.verdict is Verdict.NEEDS_ACTION
    opened = list(rig.processor.list_since(now().replace(year=2020)))
    assert len(opened) == (1 if rig.knows_opened else 0)


@pytest.mark.parametrize(("fault", "happened"), [*LOSSES, ("without_amount", True), ("without_reference", True)])
def test_f36_f38_a_submit_without_a_trustworthy_answer_is_unknown_and_paid_at_most_once(
    one_screen: Rig, fault: str, happened: bool
) -> None:
    order = one_screen.opened()
    one_screen.script(one_screen.takes_money_at, fault)
    submission = Submission(card_token=one_screen.token(cards.PAID))
    assert one_screen.impatient().submit(order, submission).verdict is Verdict.UNKNOWN
    truth = one_screen.processor.look_up(order)
    assert truth.verdict is (Verdict.SUCCEEDED if happened else Verdict.NEEDS_ACTION)
    assert one_screen.processor.submit(order, submission).verdict is Verdict.SUCCEEDED
    assert [each.money for each in one_screen.charged()] == [order.money]


def test_the_card_whose_answer_gets_lost_is_paid(rig: Rig) -> None:
    order = rig.opened()
    answer = rig.pay(order, cards.LOST)
    expected = Verdict.UNKNOWN if rig.processor.style is Style.INLINE else Verdict.SUCCEEDED
    assert answer.verdict is expected
    assert rig.processor.look_up(order).verdict is Verdict.SUCCEEDED
    assert len(rig.charged()) == 1


@pytest.mark.parametrize(
    ("fault", "happened"), [("drop_before", False), ("drop_after", True), ("error_after", True)]
)
def test_a_payer_whose_browser_got_no_answer_pays_once(own_page: Rig, fault: str, happened: bool) -> None:
    order = own_page.opened()
    own_page.script("page_submit", fault)
    first = own_page.pay(order)
    assert first.verdict is (Verdict.SUCCEEDED if happened else Verdict.NEEDS_ACTION)
    assert own_page.pay(order).verdict is Verdict.SUCCEEDED
    assert len(own_page.charged()) == 1


def test_a_commit_that_arrives_after_the_fence_takes_nothing(one_screen: Rig) -> None:
    order = one_screen.opened()
    one_screen.script(one_screen.takes_money_at, "late_effect")
    submission = Submission(card_token=one_screen.token(cards.PAID))
    assert one_screen.impatient().submit(order, submission).verdict is Verdict.UNKNOWN
    assert one_screen.processor.look_up(order).verdict is Verdict.NEEDS_ACTION
    assert one_screen.processor.cancel(order).verdict is Verdict.CANCELED
    # The late one has done its work once its key answers; it answers what became of the charge.
    wait_until(lambda: one_screen.processor.submit(order, submission).verdict is Verdict.CANCELED)
    assert one_screen.charged() == []


def test_f35_a_commit_that_arrives_late_is_found_by_a_later_look_up(one_screen: Rig) -> None:
    order = one_screen.opened()
    one_screen.script(one_screen.takes_money_at, "late_effect")
    submission = Submission(card_token=one_screen.token(cards.PAID))
    assert one_screen.impatient().submit(order, submission).verdict is Verdict.UNKNOWN
    wait_until(lambda: one_screen.processor.look_up(order).verdict is Verdict.SUCCEEDED)
    assert len(one_screen.charged()) == 1


def test_f37_what_was_refused_unexecuted_had_no_effect(rig: Rig) -> None:
    if not rig.calls_at_open:
        pytest.skip(f"{rig.name} has nothing to open")
    order = new_order()
    rig.script("open", "rate_limited")
    assert rig.processor.open(order).verdict is Verdict.NOT_SENT
    assert rig.processor.look_up(order).verdict is Verdict.ABSENT
    assert rig.processor.open(order).verdict is Verdict.NEEDS_ACTION


def test_a_commit_refused_unexecuted_may_be_tried_again(one_screen: Rig) -> None:
    order = one_screen.opened()
    submission = Submission(card_token=one_screen.token(cards.PAID))
    one_screen.script("commit", "rate_limited")
    assert one_screen.processor.submit(order, submission).verdict is Verdict.NOT_SENT
    assert one_screen.processor.submit(order, submission).verdict is Verdict.SUCCEEDED
    assert len(one_screen.charged()) == 1


def test_nobody_there_means_not_sent_for_what_moves_money_only(rig: Rig) -> None:
    order = rig.opened()
    nobody = rig.unreachable()
    assert nobody.open(order).verdict is (Verdict.NOT_SENT if rig.calls_at_open else Verdict.NEEDS_ACTION)
    # That a question never left says nothing about the charge.
    assert nobody.look_up(order).verdict is Verdict.UNKNOWN
    assert nobody.cancel(order).verdict is Verdict.UNKNOWN
    moved = nobody.submit(order, Submission(card_token="tok_x")).verdict
    assert moved is (Verdict.NOT_SENT if rig.processor.style is Style.INLINE else Verdict.UNKNOWN)
    with pytest.raises(ProcessorUnavailable):
        list(nobody.list_since(now()))


@contextmanager
def trickling() -> Iterator[str]:
    """Somebody who answers any request without an end, a byte now and then."""

    def talk(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.recv(65536)
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b" " * 500:
                line.sendall(bytes([byte]))
                time.sleep(0.05)

    def take(door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(door.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=take, args=(door,), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def test_f39_an_answer_that_trickles_is_cut_and_unknown(rig: Rig) -> None:
    order = rig.paid()
    with trickling() as address:
        slow = rig.elsewhere(address, timeout_s="0.4")
        began = time.monotonic()
        assert slow.look_up(order).verdict is Verdict.UNKNOWN
        # Authorize.Net asks first what may be given back: without that answer nothing was sent.
        assert slow.refund(new_refund(order, order.money.minor)).verdict in (Verdict.UNKNOWN, Verdict.NOT_SENT)
        assert time.monotonic() - began < 10  # a few calls; to its end one answer would take 27 seconds
    assert list(rig.processor.look_up(order).refunds) == []


@pytest.mark.parametrize(
    "fault", ["silent_after", "drop_before", "error_before", "garbage", "truncated", "unknown_word", "rate_limited"]
)
def test_a_look_up_that_fails_is_unknown_also_for_a_paid_charge(rig: Rig, fault: str) -> None:
    order = rig.paid()
    rig.script("look_up", fault)
    assert rig.impatient().look_up(order).verdict is Verdict.UNKNOWN
    assert rig.processor.look_up(order).verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("fault", ["without_amount", "without_reference"])
def test_a_success_without_amount_or_reference_does_not_count_as_one(rig: Rig, fault: str) -> None:
    order = rig.paid()
    rig.script("look_up", fault)
    assert rig.processor.look_up(order).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("fault", ["silent_after", "drop_after", "error_after", "garbage"])
def test_a_fence_without_an_answer_is_unknown_and_may_be_repeated(rig: Rig, fault: str) -> None:
    rig.needs(Capability.FENCE)
    order = rig.opened()
    rig.script("cancel", fault)
    assert rig.impatient().cancel(order).verdict is Verdict.UNKNOWN
    assert rig.processor.look_up(order).verdict is Verdict.CANCELED
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED


def test_a_list_that_breaks_off_is_no_shorter_list(rig: Rig) -> None:
    order = rig.paid()
    since = rig.processor.look_up(order).at
    rig.script("list", "garbage")
    with pytest.raises(ProcessorUnavailable):
        list(rig.processor.list_since(since))


def test_what_goes_wrong_is_told_without_secrets(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    order = rig.opened()
    rig.script("find", "error_before")
    with caplog.at_level("WARNING"):
        outcome = rig.processor.look_up(replace(order, processor_ref=""))
    assert re.fullmatch(r"[A-Za-z]+Error 50[03]", outcome.detail)
    said = outcome.detail + caplog.text + repr(rig.processor)
    assert caplog.records
    for secret in (*rig.secrets.values(), order.reference):
        assert secret not in said
