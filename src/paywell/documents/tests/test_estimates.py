"""Good Faith Estimates: content, deadlines, the twelve months, and the warning before billing $400 above."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.billing.invoice_runs import issue_by_rule
from paywell.billing.models import Cadence
from paywell.billing.rules import set_rules
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.documents.access import access_issued
from paywell.documents.estimates import (
    Expected,
    get_deadline,
    get_last_day,
    issue_estimate,
    warn_above_estimates,
)
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.documents.present import present
from paywell.documents.queries import load_issued
from paywell.documents.tests.factories import NOON, Case, make_case, make_portal_viewer, make_staff_viewer
from paywell.documents.types import EstimateDocument
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_client, make_service
from paywell.work.jobs import run_due
from paywell.work.models import ItemState, WorkItem

MONDAY = date(2026, 11, 2)


# Deadlines, in business days


@pytest.mark.parametrize(
    ("first_on", "due"),
    [
        (date(2026, 11, 4), None),  # two business days ahead
        (date(2026, 11, 5), date(2026, 11, 3)),  # three
        (date(2026, 11, 16), date(2026, 11, 3)),  # nine: Veterans Day is none
        (date(2026, 11, 17), date(2026, 11, 5)),  # ten
    ],
)
def test_a_scheduled_service_sets_the_deadline_by_how_far_ahead_it_is(first_on: date, due: date | None) -> None:
    assert get_deadline(asked_on=MONDAY, first_on=first_on, is_request=False) == due


def test_a_request_is_answered_within_three_business_days() -> None:
    for first_on in (None, date(2026, 11, 5), date(2027, 1, 4)):
        assert get_deadline(asked_on=date(2026, 11, 24), first_on=first_on, is_request=True) == date(2026, 11, 30)
    assert get_deadline(asked_on=MONDAY, first_on=None, is_request=False) == date(2026, 11, 5)


@pytest.mark.parametrize(
    ("first_on", "is_request", "due"),
    [
        (date(2026, 11, 3), False, MONDAY),  # tomorrow: today at the latest
        (date(2026, 11, 4), False, date(2026, 11, 3)),
        (date(2026, 11, 4), True, date(2026, 11, 3)),  # asked for too: the earlier day counts
        (date(2026, 11, 17), False, date(2026, 11, 5)),
        (date(2026, 10, 30), False, None),  # care has begun, and no day is named
        (None, False, date(2026, 11, 5)),
    ],
)
def test_a_changed_scope_is_told_at_least_one_business_day_before_the_service(
    first_on: date | None, is_request: bool, due: date | None
) -> None:
    assert get_deadline(asked_on=MONDAY, first_on=first_on, is_request=is_request, is_change=True) == due


@pytest.mark.parametrize(
    ("asked_on", "first_on", "due"),
    [
        (date(2026, 12, 23), date(2026, 12, 28), None),  # Christmas and a weekend between: two days ahead
        (date(2026, 12, 23), date(2026, 12, 29), date(2026, 12, 24)),
        (date(2026, 12, 24), date(2027, 1, 11), date(2026, 12, 30)),  # over the year's end: ten or more
        (date(2026, 11, 6), date(2026, 11, 23), date(2026, 11, 12)),  # scheduled on a Friday, Veterans Day between
    ],
)
def test_holidays_and_weekends_are_no_business_days(asked_on: date, first_on: date, due: date | None) -> None:
    assert get_deadline(asked_on=asked_on, first_on=first_on, is_request=False) == due


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 12, 7), date(2027, 12, 6)),
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2028, 2, 29), date(2029, 2, 28)),
    ],
)
def test_one_estimate_covers_at_most_twelve_months(first: date, last: date) -> None:
    assert get_last_day(first) == last


# Issuing


def issue(case: Case, **fields: Any) -> IssuedDocument:
    expected = Expected("Individual session", "H0004", Money(14_000), 10, case.service.clinician)
    values = {
        "practice": case.practice, "client": case.client, "expected": [expected],
        "period_from": date(2026, 11, 1), "period_to": date(2027, 10, 31), "frequency": "once a week",
        "asked_on": MONDAY, "is_request": True, "actor_id": None, **fields,
    }  # fmt: skip
    with clock.set_to(NOON):
        return issue_estimate(**values)


@pytest.mark.django_db
def test_an_estimate_has_the_content_that_the_law_asks_for() -> None:
    case = make_case()
    document = load_issued(issue(case, diagnoses=[case.diagnosis], first_on=date(2026, 11, 3)))
    assert isinstance(document, EstimateDocument)
    assert (document.client, document.birth_date, document.primary) == (
        "Ana Duarte", date(1990, 5, 6), "Individual session",
    )  # fmt: skip
    assert [(item.code, item.count, item.fee_minor, item.amount_minor) for item in document.items] == [
        ("H0004", 10, 14_000, 140_000)
    ]
    assert (document.total_minor, document.due_on) == (140_000, date(2026, 11, 5))
    assert (document.clinicians[0].npi, document.tax_id) == ("1234567893", "12-3456789")
    text = str(present(document))
    for words in (
        "once a week", "10 services", "F41.1", "Golden, CO", "not a contract", "$400 or more above",
        "120 calendar days", "$25", "does not affect the quality", "Other services may be recommended",
        "is an estimate",
    ):  # fmt: skip
        assert words in text


@pytest.mark.django_db
def test_services_to_be_scheduled_separately_are_marked_and_explained() -> None:
    case = make_case()
    expected = [Expected("Testing", "T1", Money(20_000), 1, case.service.clinician, is_separate=True)]
    text = str(present(load_issued(issue(case, expected=expected))))
    assert "Scheduled separately" in text
    assert "an estimate of their own" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"expected": []}, "nothing_expected"),
        ({"period_to": date(2026, 10, 31)}, "range_invalid"),
        ({"period_to": date(2027, 11, 1)}, "above_twelve_months"),
        ({"frequency": " "}, "frequency_missing"),
        ({"asked_on": date(2026, 11, 24)}, "asked_ahead"),
    ],
)
def test_an_estimate_that_can_not_be_says_why_and_uses_no_number(fields: dict[str, Any], code: str) -> None:
    case = make_case()
    with pytest.raises(UserError) as refused:
        issue(case, **fields)
    assert refused.value.code == code
    assert issue(case).label == "GFE-0001"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("period_from", "last"), [(date(2026, 11, 1), date(2027, 10, 31)), (date(2028, 2, 29), date(2029, 2, 28))]
)
def test_twelve_months_are_issued_to_the_day_and_not_one_more(period_from: date, last: date) -> None:
    case = make_case()
    with pytest.raises(UserError) as refused:
        issue(case, period_from=period_from, period_to=last + timedelta(days=1))
    assert refused.value.code == "above_twelve_months"
    assert issue(case, period_from=period_from, period_to=last).period_to == last


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "code"), [(0, "count_invalid"), (1, ""), (400, ""), (401, "count_invalid")])
def test_how_many_times_is_from_1_to_400(count: int, code: str) -> None:
    case = make_case()
    expected = [Expected("Individual session", "H0004", Money(14_000), count, case.service.clinician)]
    if not code:
        assert issue(case, expected=expected).data["total_minor"] == 14_000 * count
        return
    with pytest.raises(UserError) as refused:
        issue(case, expected=expected)
    assert refused.value.code == code


@pytest.mark.django_db
def test_without_a_date_of_birth_there_is_no_estimate() -> None:
    case = make_case()
    case.client.birth_date = None
    with pytest.raises(UserError, match="date of birth"):
        issue(case)


@pytest.mark.django_db
def test_a_changed_scope_makes_a_new_estimate_that_replaces_the_old_one() -> None:
    case = make_case()
    first = issue(case)
    second = issue(case, corrects=first)
    assert load_issued(second).replaces == "GFE-0001"
    assert load_issued(first).replaced_by == "GFE-0002"


@pytest.mark.django_db
def test_an_estimate_for_a_changed_scope_has_the_deadline_of_one() -> None:
    case = make_case()
    soon = {"asked_on": MONDAY, "first_on": date(2026, 11, 4), "is_request": False}
    first = issue(case, **soon)
    assert (first.data["due_on"], issue(case, corrects=first, **soon).data["due_on"]) == (None, "2026-11-03")


@pytest.mark.django_db
def test_the_client_reads_it_in_the_portal_with_the_rights_it_needs() -> None:
    case = make_case()
    plain, with_diagnosis = issue(case), issue(case, diagnoses=[case.diagnosis])
    assert access_issued(make_portal_viewer(case), with_diagnosis.id).number == "GFE-0002"
    no_diagnosis = make_portal_viewer(case, diagnosis=False)
    assert access_issued(no_diagnosis, plain.id).number == "GFE-0001"
    for viewer, row in (
        (no_diagnosis, with_diagnosis),
        (make_portal_viewer(case, documents=False, diagnosis=False), plain),
    ):
        with pytest.raises(NotFoundForViewer):
            access_issued(viewer, row.id)


# $400 above


def service(case: Case, minor: int, on: date = date(2026, 11, 10)) -> Any:
    return make_service(case.client, on=on, fee=minor, clinician=case.service.clinician)


@pytest.mark.django_db
@pytest.mark.parametrize(("minor", "warned"), [(165_999, False), (166_000, True)])
def test_billing_four_hundred_dollars_above_the_estimate_is_warned_of_before(minor: int, warned: bool) -> None:
    """$140.00 is billed already in those months; the estimate is of $1,400.00."""
    case = make_case()
    issue(case)
    warnings = warn_above_estimates(case.practice, [service(case, minor)])
    assert bool(warnings) is warned
    if warned:
        assert "$1,800.00 is billed to Ana Duarte" in warnings[0]
        assert "GFE-0001, which expected $1,400.00" in warnings[0]


@pytest.mark.django_db
def test_what_is_outside_the_months_void_or_of_a_replaced_estimate_does_not_count() -> None:
    case = make_case()
    first = issue(case)
    assert warn_above_estimates(case.practice, [service(case, 500_000, date(2026, 10, 31))]) == []
    with clock.set_to(datetime(2026, 11, 20, 18, tzinfo=UTC)):
        voided = issue_invoice(
            practice=case.practice, account=case.account, services=[service(case, 150_000)], actor_id=None
        )
        void_invoice(invoice=voided, reason="typed twice", actor_id=None)
    assert warn_above_estimates(case.practice, [service(case, 20_000)]) == []
    more = Expected("Individual session", "H0004", Money(14_000), 40, case.service.clinician)
    issue(case, corrects=first, expected=[more], period_to=date(2026, 11, 1) + timedelta(days=300))
    assert warn_above_estimates(case.practice, [service(case, 200_000)]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("on", "warned"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2027, 10, 31), True),
        (date(2027, 11, 1), False),
    ],
)
def test_the_first_and_the_last_day_of_an_estimate_count(on: date, warned: bool) -> None:
    case = make_case()
    issue(case)
    assert bool(warn_above_estimates(case.practice, [service(case, 166_000, on)])) is warned


@pytest.mark.django_db
@pytest.mark.parametrize(("last_minor", "warned"), [(65_999, False), (66_000, True)])
def test_several_services_of_one_invoice_are_added_up(last_minor: int, warned: bool) -> None:
    case = make_case()
    issue(case)
    chosen = [service(case, 100_000), service(case, last_minor, date(2026, 11, 11))]
    assert bool(warn_above_estimates(case.practice, chosen)) is warned


@pytest.mark.django_db
def test_the_insurers_part_is_not_billed_to_the_client() -> None:
    case = make_case()
    issue(case)
    made = service(case, 166_000)
    made.insurer_minor = 1
    assert warn_above_estimates(case.practice, [made]) == []


@pytest.mark.django_db
def test_another_clients_services_do_not_count() -> None:
    case = make_case()
    issue(case)
    other = make_service(
        make_client(case.practice), on=date(2026, 11, 10), fee=500_000, clinician=case.service.clinician
    )
    assert warn_above_estimates(case.practice, [other, service(case, 165_999)]) == []


@pytest.mark.django_db
def test_a_client_without_an_estimate_is_warned_of_nothing() -> None:
    case = make_case()
    assert warn_above_estimates(case.practice, [service(case, 900_000)]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("minor", "held"), [(165_999, False), (166_000, True)])
def test_a_rule_issues_nothing_four_hundred_dollars_above_an_estimate_and_says_why(minor: int, held: bool) -> None:
    case = make_case()
    issue(case)
    other = make_client(case.practice)
    with clock.set_to(datetime(2026, 11, 10, 18, tzinfo=UTC)):
        set_rules(viewer=make_staff_viewer(case.practice, Role.OWNER), cadence=Cadence.DAILY, approve_above=None)
        above = service(case, minor)
        usual = make_service(other, on=date(2026, 11, 10))
    with clock.set_to(datetime(2026, 11, 11, 18, tzinfo=UTC)):
        assert issue_by_rule() == 1
        run_due.call()
        assert Invoice.objects.filter(lines__service=usual).count() == 1
        assert Invoice.objects.filter(lines__service=above).exists() is not held
        left_out = WorkItem.objects.filter(state=ItemState.SKIPPED)
        assert left_out.count() == held
        for item in left_out:
            assert item.subject_id == case.account.id
            assert "$1,800.00 is billed to Ana Duarte" in item.words
            assert item.words.endswith("To bill it all the same, invoice it by hand.")
            issue_invoice(practice=case.practice, account=case.account, services=[above], actor_id=None)


@pytest.mark.django_db
def test_many_estimates_are_looked_through_in_three_queries() -> None:
    case = make_case()
    own: dict[str, Any] = {"practice": case.practice}

    def estimate(number: int) -> Any:
        client = make_client(case.practice)
        document = IssuedDocument.objects.create(
            **own, kind="estimate", number=number, label=f"GFE-{number:04}", account=case.account, digest="0" * 64,
            data={"total_minor": 10_000}, period_from=date(2026, 11, 1), period_to=date(2026, 12, 31),
            issued_on=date(2026, 11, 1), issued_at=NOON,
        )  # fmt: skip
        IssuedClient.objects.create(**own, document=document, client=client)
        minor = 50_000 if number % 2 else 49_999
        return make_service(client, on=date(2026, 11, 10), fee=minor, clinician=case.service.clinician)

    services = [estimate(number) for number in range(1, 21)]
    for chosen in (services[:5], services):
        with CaptureQueriesContext(connection) as captured:
            warnings = warn_above_estimates(case.practice, chosen)
        assert len(captured) == 3
        assert warnings == [text for each in chosen for text in warn_above_estimates(case.practice, [each])]
        assert len(warnings) == (len(chosen) + 1) // 2
