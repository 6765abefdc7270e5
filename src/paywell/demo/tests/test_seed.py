"""The demonstration keeps what it promises. Seeded once for all tests of the file: it takes seconds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F, Sum

from paywell.accounts.access import access_desk
from paywell.accounts.models import StaffMember, User
from paywell.accounts.types import Permission
from paywell.billing.models import Entry, EntryKind
from paywell.books.check import check_books
from paywell.care.models import NEVER_ON_A_SUPERBILL, Diagnosis, Service
from paywell.clients.access import access_portal
from paywell.clients.models import Client
from paywell.clients.types import PortalViewer
from paywell.codes.queries import check_code, search_codes
from paywell.codes.types import Finding
from paywell.core import clock
from paywell.core.identifiers import get_tax_id_warning, is_npi
from paywell.demo.cast import PASSWORD, email_of
from paywell.demo.seed import CAST, seed, write_people
from paywell.documents.check import Level, check_superbill
from paywell.documents.models import IssuedDocument
from paywell.documents.superbills import get_services
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.invoicing.queries import get_uninvoiced
from paywell.ledger.models import AccountBalance, AccountKind, LineBalance, Transfer
from paywell.ledger.queries import get_account_balance, get_line_balances
from paywell.notifications.card_requests import list_card_requests
from paywell.notifications.models import Delivery, NoticeText
from paywell.outbox.models import OutboxEvent
from paywell.payments.availability import get_availability
from paywell.payments.deposits import get_unexplained
from paywell.payments.models import (
    Attempt,
    AttemptState,
    Claim,
    Deposit,
    DepositPart,
    ProcessorAccount,
    Refund,
    Review,
    SavedCard,
)
from paywell.payments.notice_alerts import check_silence
from paywell.payments.payables import get_summary
from paywell.payments.processor_accounts import connect_processor, make_processor
from paywell.payments.types import Closed
from paywell.practice.models import Clinician, Practice
from paywell.processors.contract import Style
from paywell.processors.testbench.app import Running
from paywell.processors.testbench.store import Store

pytestmark = pytest.mark.django_db
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module", params=[None, datetime(2027, 3, 1, 5, tzinfo=UTC)], ids=["today", "in March"])
def filled(
    request: pytest.FixtureRequest,
    django_db_setup: Any,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """One seed for the module, inside a transaction that is rolled back at its end."""
    store = Store(tmp_path_factory.mktemp("testbench") / "data.sqlite3")
    with django_db_blocker.unblock(), clock.set_to(request.param or clock.now()), Running(store) as running:
        block = transaction.atomic()
        block._from_testcase = True
        block.__enter__()
        try:
            assert seed(processor_url=running.base_url, address=ADDRESS) is True
            yield running.base_url
        finally:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)
    store.close()


@pytest.fixture(autouse=True)
def _use_filled(filled: str) -> str:
    """Every test of the file reads the same data."""
    return filled


def test_there_are_two_practices_with_clinicians_whose_npis_are_valid() -> None:
    assert list(Practice.objects.order_by("name").values_list("name", flat=True)) == [
        "Harbor Light Counseling",
        "Willow Creek Therapy",
    ]
    assert Clinician.objects.count() == 5
    assert all(is_npi(npi) for npi in Clinician.objects.values_list("npi", flat=True))
    assert not any(get_tax_id_warning(practice.tax_id) for practice in Practice.objects.all())


def test_every_diagnosis_is_a_code_that_can_be_billed_on_its_day_and_words_find_one() -> None:
    wrong = [
        row.code
        for row in Diagnosis.objects.all()
        if check_code(row.code, row.diagnosed_on).finding is not Finding.VALID
    ]
    assert wrong == []
    assert [each.code for each in search_codes("grief", clock.now().date())] == ["F43.81"]


def test_there_are_twenty_clients_with_months_of_services() -> None:
    assert Client.objects.count() == 20
    today = clock.now().date()
    assert Service.objects.filter(on__lt=today - timedelta(days=120)).count() >= 30
    assert Service.objects.filter(on__gt=today).count() == 0
    assert {service.kind for service in Service.objects.filter(kind__in=NEVER_ON_A_SUPERBILL)} == {
        "late_cancel",
        "no_show",
    }
    assert Service.objects.filter(insurer_minor__gt=0).exists()


def test_a_second_run_changes_nothing(filled: str) -> None:
    before = (User.objects.count(), Service.objects.count(), Transfer.objects.count())
    assert seed(processor_url=filled, address=ADDRESS) is False
    assert (User.objects.count(), Service.objects.count(), Transfer.objects.count()) == before


def look(name: str) -> PortalViewer:
    return access_portal(User.objects.get(email=email_of(name)), None)


def count_open(name: str) -> int:
    return LineBalance.objects.filter(owner_id=look(name).account.id, balance_minor__gt=0).count()


def test_whoever_connected_another_processor_can_start_it_again(filled: str) -> None:
    practice = Practice.objects.get(name="Willow Creek Therapy")
    before = ProcessorAccount.objects.get(practice=practice, is_active=True)
    other = connect_processor(
        practice=practice, connector="square", settings={"location_id": "L1"}, secrets={"access_token": "x"},
        live_mode=False, actor_id=None,
    )  # fmt: skip
    assert seed(processor_url=filled, address="http://127.0.0.1:9000") is False
    other.refresh_from_db()
    before.refresh_from_db()
    assert other.settings == {"location_id": "L1"}
    assert before.settings["portal_origin"] == "http://127.0.0.1:9000"


def test_both_styles_can_be_paid_with_several_services_open_and_cards_saved() -> None:
    for name, style in (("Ada Brook", Style.INLINE), ("Clara Wynn", Style.TWO_STEP)):
        viewer = look(name)
        availability = get_availability(viewer)
        assert (availability.closed, availability.style) == (None, style)
        assert count_open(name) >= 3
        assert SavedCard.objects.filter(contact=viewer.contact, removed_at=None).count() == 2


def test_the_practices_switch_for_one_client_is_off() -> None:
    assert get_availability(look("Greta Lund")).closed is Closed.CLIENT_SWITCH
    assert count_open("Greta Lund") > 0


def test_every_way_of_owing_is_there() -> None:
    today = clock.now().date()
    assert count_open("Ines Coral") == 0
    assert Attempt.objects.filter(account__name="Ines Coral", state=AttemptState.SUCCEEDED).count() >= 3
    assert get_summary(look("Lena Frost")).credit.minor == 6_000
    assert LineBalance.objects.filter(
        owner_id=look("Victor Hale").account.id, balance_minor__gt=0, due_on__lt=today - timedelta(days=60)
    ).exists()
    for name in ("Rhea Vale", "Omar Reyes"):
        partly = LineBalance.objects.filter(owner_id=look(name).account.id, balance_minor__gt=0)
        assert partly.filter(balance_minor__lt=F("charged_minor")).count() == 1
    kinds = InvoiceLine.objects.filter(
        account__name="Owen Pike", id__in=LineBalance.objects.filter(balance_minor__gt=0).values("line_id")
    ).values_list("service__kind", flat=True)
    assert {"late_cancel", "no_show"} <= set(kinds)
    assert Attempt.objects.filter(account__name="Ben Ashby", state=AttemptState.DECLINED).count() == 1
    assert Refund.objects.get(attempt__account__name="Samir Dunn").state == "done"


def test_nothing_of_the_past_is_left_hanging() -> None:
    assert not Claim.objects.exists()
    assert not Review.objects.exists()
    assert set(Attempt.objects.values_list("state", flat=True)) == {"succeeded", "declined"}
    assert not Attempt.objects.filter(created_at__gt=clock.now()).exists()
    assert not OutboxEvent.objects.filter(delivered_at=None).exists()


def test_every_payment_and_refund_of_the_past_has_its_receipt_of_that_day() -> None:
    receipts = dict(IssuedDocument.objects.filter(subject_id__isnull=False).values_list("subject_id", "issued_on"))
    paid = Attempt.objects.filter(state=AttemptState.SUCCEEDED).select_related("practice")
    assert {each.id: clock.business_date(each.closed_at, each.practice.timezone) for each in paid}.items() <= (
        receipts.items()
    )
    assert set(Refund.objects.filter(state="done").values_list("id", flat=True)) <= set(receipts)
    assert set(Entry.objects.filter(kind=EntryKind.PAYMENT).values_list("id", flat=True)) <= set(receipts)


def test_card_payments_of_the_past_were_deposited_and_every_deposit_adds_up() -> None:
    deposits = list(Deposit.objects.prefetch_related("parts"))
    assert len(deposits) > 10  # the test processor has the real clock: a story of the future is paid out in part
    assert {"paid"} <= {deposit.state for deposit in deposits} <= {"paid", "pending"}
    for deposit in deposits:
        assert get_unexplained(deposit, deposit.parts.all()) == 0
    assert not DepositPart.objects.filter(kind="charge", attempt=None).exists()


def test_the_inbox_begins_without_a_false_alarm_and_the_set_up_is_done() -> None:
    for account in ProcessorAccount.objects.filter(practice__slug__in=[part.slug for part in CAST]):
        assert not check_silence(account, make_processor(account))
        assert account.practice.setup_closed_at is not None
    assert not Review.objects.filter(kind="notices_silent").exists()


def test_the_re_collection_list_has_one_to_write_to_and_one_who_wants_no_e_mail() -> None:
    owner = User.objects.get(email=email_of("Mara Feldt"))
    page = list_card_requests(access_desk(owner, "willow-creek", Permission.EDIT_CLIENTS))
    assert [(each.row.contact.name, each.may_ask) for each in page.rows] == [
        ("Greta Lund", False), ("Samir Dunn", True),
    ]  # fmt: skip


def test_every_screen_of_notices_has_content() -> None:
    """An own text, reminders that left, a log with more than one outcome, and a card that expires soon."""
    assert NoticeText.objects.filter(kind="reminder_before").count() == 2
    rows = Delivery.objects.all()
    assert rows.filter(notice__startswith="reminder", sent_at__isnull=False).exists()
    assert rows.filter(notice="receipt_waits", sent_at__isnull=False).exists()
    assert rows.exclude(skip_reason="").exists()
    assert not rows.exclude(error="").exists()
    assert rows.filter(created_at__lt=clock.now() - timedelta(days=6)).count() == 0
    assert SavedCard.objects.filter(agreements__kind="autopay", exp_year__lte=clock.now().year + 1).exists()


def test_everybody_can_sign_in_and_nobody_has_to_confirm_an_address(tmp_path: Path) -> None:
    write_people(tmp_path / "demo.json", ADDRESS)
    people = json.loads((tmp_path / "demo.json").read_text())["people"]
    assert {"client", "parent", "payer", "owner", "biller", "clinician", "front desk", "read-only"} == {
        person["role"] for person in people
    }
    for person in people:
        assert person["email"].endswith("@example.org")
        assert len(person["password"]) >= 15
        assert EmailAddress.objects.filter(user__email=person["email"], verified=True, primary=True).exists()
    assert User.objects.get(email=people[0]["email"]).check_password(PASSWORD)
    assert StaffMember.objects.count() == 8


def test_a_parent_switches_between_two_children_and_two_practices() -> None:
    viewer = access_portal(User.objects.get(email=email_of("Nora Vance")), None)
    assert [choice.names for choice in viewer.choices] == ["Nora", "Leo", "Mia"]


def test_divorced_parents_owe_sixty_and_forty_percent_and_the_payer_sees_no_diagnosis() -> None:
    by_account = dict(
        InvoiceLine.objects.filter(client__legal_first_name="Eli", voided_at=None)
        .values_list("account__name")
        .annotate(total=Sum("amount_minor"))
    )
    assert by_account["Dana Marsh"] * 4 == by_account["Peter Marsh"] * 6
    viewer = access_portal(User.objects.get(email=email_of("Peter Marsh")), None)
    assert viewer.payable_client_ids
    assert not viewer.document_client_ids
    assert not viewer.diagnosis_client_ids


def test_a_couple_shares_one_account() -> None:
    accounts = {
        access_portal(User.objects.get(email=email_of(name)), None).account for name in ("Rhea Vale", "Tom Vale")
    }
    assert [account.name for account in accounts] == ["Rhea and Tom Vale"]


def test_somebody_has_more_open_services_than_fit_a_page() -> None:
    account = access_portal(User.objects.get(email=email_of("Victor Hale")), None).account
    assert LineBalance.objects.filter(owner_id=account.id, balance_minor__gt=0).count() > 25


def test_a_new_client_was_not_billed_yet_and_the_desk_has_a_batch_to_issue() -> None:
    today = clock.now().date()
    willow = Practice.objects.get(slug="willow-creek")
    waiting = {one.account.name for one in get_uninvoiced(willow, today - timedelta(days=400), today)}
    assert "Iris Moon" in waiting
    assert not Invoice.objects.filter(account__name="Iris Moon").exists()


def test_invoice_numbers_have_no_gap_and_rise_with_time() -> None:
    for part in CAST:
        rows = list(Invoice.objects.filter(practice__slug=part.slug).order_by("number"))
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        assert [row.issued_at for row in rows] == sorted(row.issued_at for row in rows)
        assert all(row.issued_at <= clock.now() for row in rows)


def test_every_listed_balance_is_the_sum_of_its_transfers() -> None:
    for practice in Practice.objects.all():
        listed = dict(LineBalance.objects.filter(practice_id=practice.id).values_list("line_id", "balance_minor"))
        assert get_line_balances(practice_id=practice.id, line_ids=list(listed)) == listed
        for balance in AccountBalance.objects.filter(practice_id=practice.id).select_related("account"):
            account = balance.account
            assert balance.balance_minor == get_account_balance(
                practice_id=practice.id,
                kind=AccountKind(account.kind),
                owner_id=account.owner_id,
                currency=account.currency,
            )
    assert not Transfer.objects.filter(debit=F("credit")).exists()


def test_the_books_keep_all_twelve_laws_also_beside_the_processor() -> None:
    report = check_books(with_processor=True)
    assert (report.offences, report.unasked) == ([], [])
    assert report.looked_at["transfers"] == Transfer.objects.count() > 100
    assert report.looked_at["charges"] >= Attempt.objects.count()


def test_every_session_with_a_diagnosis_makes_a_superbill_that_no_insurer_is_certain_to_turn_down(
    filled: Any,
) -> None:
    for practice in Practice.objects.all():
        sessions = Service.objects.filter(practice=practice, voided_at=None, pointers__isnull=False)
        newest = sessions.exclude(kind__in=NEVER_ON_A_SUPERBILL).filter(on__lte=clock.now().date()).order_by("-on")
        ids = list(dict.fromkeys(newest.values_list("id", flat=True)))[:5]
        assert ids
        for service in get_services(practice, ids):
            problems = check_superbill(practice, [service])
            assert [problem for problem in problems if problem.level is Level.BLOCK] == []


def test_one_client_has_an_estimate_of_half_a_year_of_weekly_sessions() -> None:
    row = IssuedDocument.objects.select_related("account").get(kind="estimate")
    assert (row.label, row.account.name) == ("GFE-0001", "Ada Brook")
    (item,) = row.data["items"]
    assert item["count"] == 26
    assert row.data["total_minor"] == 26 * item["fee_minor"] > 0
    assert row.data["frequency"] == "once a week"
