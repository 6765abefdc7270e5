"""The guard alone, around a connector that misbehaves on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from paywell.core.money import Money
from paywell.processors.contract import (
    BadNotice,
    Capability,
    ChargeOrder,
    Outcome,
    Processor,
    ProcessorUnavailable,
    RawNotice,
    Refunded,
    RefundOrder,
    SavedCardFacts,
    Style,
    Submission,
    Verdict,
)
from paywell.processors.guard import Guarded

ORDER = ChargeOrder(
    "REF", Money(100), "key-open", "key-submit", "https://a.example.org/", "https://a.example.org/", "L"
)
REFUND = RefundOrder("RREF", "key-refund", "ch_1", "REF", Money(100), True)
PAID = Outcome(Verdict.SUCCEEDED, processor_ref="ch_1", reference="REF", money=Money(100))
SECRET_URL = "https://processor.example.org/?key=hush"


def guarded(style: Style = Style.INLINE, capabilities: frozenset[Capability] = frozenset(Capability)) -> Any:
    inner = Mock(spec=Processor)
    inner.name, inner.style, inner.capabilities, inner.is_test = "mock", style, capabilities, True
    return Guarded(inner)


def http_error(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", SECRET_URL)
    return httpx.HTTPStatusError(f"for url {SECRET_URL}", request=request, response=httpx.Response(status))


NEVER_LEFT = [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")]
LEFT = [
    httpx.ReadTimeout("slow"), httpx.WriteTimeout("slow"), httpx.WriteError("cut"), httpx.ReadError("reset"),
    httpx.RemoteProtocolError("cut"), http_error(500), http_error(503), http_error(409), ValueError("garbage"),
    KeyError("amount"), TypeError("none"), TimeoutError(), RuntimeError(SECRET_URL),
]  # fmt: skip
CALLS: dict[str, Callable[[Any], Any]] = {
    "open": lambda processor: processor.open(ORDER),
    "submit": lambda processor: processor.submit(ORDER, Submission()),
    "look_up": lambda processor: processor.look_up(ORDER),
    "cancel": lambda processor: processor.cancel(ORDER),
    "refund": lambda processor: processor.refund(REFUND),
    "look_up_refund": lambda processor: processor.look_up_refund(REFUND),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", LEFT, ids=lambda error: type(error).__name__)
def test_what_may_have_left_is_unknown(call: str, error: Exception) -> None:
    processor = guarded()
    getattr(processor.inner, call).side_effect = error
    assert CALLS[call](processor).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("error", NEVER_LEFT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("call", "verdict"),
    [
        ("open", Verdict.NOT_SENT), ("submit", Verdict.NOT_SENT), ("refund", Verdict.NOT_SENT),
        ("look_up", Verdict.UNKNOWN), ("cancel", Verdict.UNKNOWN), ("look_up_refund", Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_what_never_left_is_not_sent_where_the_call_itself_moves_money(
    call: str, verdict: Verdict, error: Exception
) -> None:
    processor = guarded()
    getattr(processor.inner, call).side_effect = error
    assert CALLS[call](processor).verdict is verdict


def test_a_submit_that_only_reads_says_nothing_about_the_charge_when_it_never_left() -> None:
    processor = guarded(Style.TWO_STEP)
    processor.inner.submit.side_effect = httpx.ConnectError("no")
    assert processor.submit(ORDER, Submission()).verdict is Verdict.UNKNOWN


def test_no_secret_gets_into_the_detail_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    processor = guarded()
    processor.inner.submit.side_effect = http_error(500)
    with caplog.at_level("DEBUG"):
        outcome = processor.submit(ORDER, Submission())
    assert outcome.detail == "HTTPStatusError 500"
    assert "mock.submit raised HTTPStatusError" in caplog.text
    assert "hush" not in caplog.text + outcome.detail


@pytest.mark.parametrize(
    "lacking",
    [{"money": None}, {"money": Money(0)}, {"money": Money(-100)}, {"reference": ""}, {"processor_ref": ""}],
)
@pytest.mark.parametrize("call", ["open", "submit", "look_up", "cancel"])
def test_an_incomplete_success_keeps_its_data_and_does_not_count(call: str, lacking: dict[str, Any]) -> None:
    processor = guarded()
    told = replace(PAID, **lacking)
    getattr(processor.inner, call).return_value = told
    outcome = CALLS[call](processor)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail.startswith("success without")
    assert (outcome.money, outcome.reference, outcome.processor_ref) == (
        told.money, told.reference, told.processor_ref,
    )  # fmt: skip


def test_a_complete_success_and_a_decline_pass_untouched() -> None:
    processor = guarded()
    for outcome in (PAID, replace(PAID, money=Money(99)), Outcome(Verdict.DECLINED), Outcome(Verdict.PENDING)):
        processor.inner.look_up.return_value = outcome
        assert processor.look_up(ORDER) == outcome


def test_absent_counts_only_for_a_look_up_of_a_processor_that_can_be_certain() -> None:
    processor = guarded()
    for call in ("open", "submit", "cancel"):
        getattr(processor.inner, call).return_value = Outcome(Verdict.ABSENT)
        assert CALLS[call](processor).verdict is Verdict.UNKNOWN
    processor.inner.look_up.return_value = Outcome(Verdict.ABSENT)
    processor.inner.look_up_refund.return_value = Refunded("", Money(100), Verdict.ABSENT)
    assert processor.look_up(ORDER).verdict is Verdict.ABSENT
    assert processor.look_up_refund(REFUND).verdict is Verdict.ABSENT
    unsure = guarded(capabilities=frozenset())
    unsure.inner.look_up.return_value = Outcome(Verdict.ABSENT)
    unsure.inner.look_up_refund.return_value = Refunded("", Money(100), Verdict.ABSENT)
    assert unsure.look_up(ORDER).verdict is Verdict.UNKNOWN
    assert unsure.look_up_refund(REFUND).verdict is Verdict.UNKNOWN


def test_an_incomplete_refund_does_not_count_alone_or_within_a_charge() -> None:
    processor = guarded()
    for told in (Refunded("", Money(100), Verdict.SUCCEEDED), Refunded("re_1", Money(0), Verdict.SUCCEEDED)):
        processor.inner.refund.return_value = told
        assert processor.refund(REFUND).verdict is Verdict.UNKNOWN
        processor.inner.look_up.return_value = replace(PAID, refunds=(told,))
        assert [each.verdict for each in processor.look_up(ORDER).refunds] == [Verdict.UNKNOWN]


def test_a_refund_without_an_answer_keeps_our_reference_and_amount() -> None:
    processor = guarded()
    processor.inner.refund.side_effect = httpx.ReadTimeout("slow")
    assert processor.refund(REFUND) == Refunded("", Money(100), Verdict.UNKNOWN, reference="RREF")


def test_a_list_that_fails_in_the_middle_says_so() -> None:
    def half() -> Any:
        yield PAID
        raise httpx.ReadError("reset")

    processor = guarded()
    processor.inner.list_since.return_value = half()
    listed = iter(processor.list_since(datetime(2026, 11, 1, tzinfo=UTC)))
    assert next(listed) == PAID
    with pytest.raises(ProcessorUnavailable):
        next(listed)


def test_forgetting_needs_no_amount() -> None:
    processor = guarded()
    processor.inner.forget_card.return_value = Outcome(Verdict.SUCCEEDED)
    assert processor.forget_card(Mock(spec=SavedCardFacts)).verdict is Verdict.SUCCEEDED


def test_a_notice_that_breaks_the_connector_is_a_bad_notice() -> None:
    processor = guarded()
    processor.inner.read_notice.side_effect = KeyError("data")
    with pytest.raises(BadNotice):
        processor.read_notice(RawNotice(b"{}", {}, "", datetime(2026, 11, 1, tzinfo=UTC)))


def test_stopping_the_program_is_not_swallowed() -> None:
    processor = guarded()
    processor.inner.submit.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        processor.submit(ORDER, Submission())
