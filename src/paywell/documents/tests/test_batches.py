from __future__ import annotations

import io
import itertools
from collections.abc import Generator, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from paywell.accounts.models import Role, StaffMember
from paywell.accounts.tests.factories import make_staff
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.errors import NotAllowed, UserError
from paywell.documents import batches
from paywell.documents.batches import Output, Which, list_statement_accounts, request_statements
from paywell.documents.models import IssuedDocument
from paywell.documents.pool import close_pool, render_many
from paywell.documents.statements import issue_statement, issue_statements
from paywell.documents.tests.factories import NOON, Case, make_case
from paywell.documents.tests.test_pdf import assert_conforms
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.tests.factories import make_account, make_client, make_service
from paywell.work.models import Work, WorkState
from paywell.work.runner import serve_due

NOVEMBER: dict[str, Any] = {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 23)}


@pytest.fixture
def case(db: None) -> Iterator[Case]:
    """One account owes $120; another one was charged in October, and its invoice is overdue."""
    with clock.set_to(NOON.replace(month=10)):
        case = make_case(on=date(2026, 10, 3))
        late = make_client(case.practice, make_account(case.practice, "Zoe Late"), legal_first_name="Zoe")
        service = make_service(late, on=date(2026, 10, 1))
        issue_invoice(practice=case.practice, account=late.default_account, services=[service], actor_id=None)
    with clock.set_to(NOON):
        new = make_client(case.practice, make_account(case.practice, "Abe New"), legal_first_name="Abe")
        service = make_service(new)
        issue_invoice(practice=case.practice, account=new.default_account, services=[service], actor_id=None)
        yield case


def viewer_of(case: Case, role: Role = Role.BILLER) -> StaffViewer:
    member = make_staff(case.practice, role)
    return StaffViewer(member.user_id, case.practice, role)


def ask(viewer: StaffViewer, output: Output = Output.ZIP, which: Which = Which.OWING, key: str = "k") -> Work:
    return request_statements(viewer, which=which, output=output, key=key, **NOVEMBER)


def serve(work: Work) -> Work:
    while serve_due():
        pass
    work.refresh_from_db()
    return work


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize(
    ("which", "names"),
    [
        (Which.OWING, ["Abe New", "Ada Brook", "Zoe Late"]),
        (Which.OVERDUE, ["Ada Brook", "Zoe Late"]),
        (Which.MOVED, ["Abe New"]),
    ],
)
def test_a_batch_is_for_whom_it_says(case: Case, which: Which, names: list[str]) -> None:
    found = list_statement_accounts(viewer_of(case), which=which, **NOVEMBER)
    assert [each.account.name for each in found] == names
    assert {each.balance.minor for each in found} == {12_000}


def test_each_account_gets_its_statement_as_a_file(case: Case) -> None:
    work = serve(ask(viewer_of(case)))
    assert (work.state, work.done, work.failed) == (WorkState.DONE, 3, 0)
    files = {file.name: text_of(bytes(file.content)) for file in work.files.all()}
    assert sorted(files) == ["ST-0001-abe-new.pdf", "ST-0002-ada-brook.pdf", "ST-0003-zoe-late.pdf"]
    for name, who in (("ST-0001-abe-new.pdf", "Abe New"), ("ST-0003-zoe-late.pdf", "Zoe Late")):
        assert who in files[name]
        assert "$120.00" in files[name]
    assert IssuedDocument.objects.filter(kind="statement").count() == 3


def test_all_in_one_pdf_keeps_that_one_alone(case: Case) -> None:
    work = serve(ask(viewer_of(case), Output.ONE))
    file = work.files.get()
    assert file.name == "statements.pdf"
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(bytes(file.content))).pages]
    names = ("Abe New", "Ada Brook", "Zoe Late")
    assert [name in page for name, page in zip(names, pages, strict=True)] == [True, True, True]
    assert_conforms(bytes(file.content))


def test_joining_gives_way_after_a_while_and_not_after_each_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document takes a second here, and a piece five of them."""
    monkeypatch.setattr(batches, "PIECE_S", 5)
    monkeypatch.setattr(batches.time, "monotonic", itertools.count().__next__)

    def joining() -> Generator[None, None, bytes]:
        for _ in range(12):
            yield
        return b"whole"

    pieces = batches._in_pieces(joining())
    assert [next(pieces, "the end") for _ in range(3)] == [None, None, "the end"]


def test_a_batch_that_ran_before_issues_nothing_anew(case: Case) -> None:
    viewer = viewer_of(case)
    serve(ask(viewer))
    again = serve(ask(viewer, key="another"))
    assert again.done == 3
    assert IssuedDocument.objects.filter(kind="statement").count() == 3
    assert ask(viewer) == Work.objects.get(key="k")


def test_a_step_that_crashed_after_issuing_gives_each_account_one_statement(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, fails = ask(viewer_of(case)), [True]
    whole = render_many

    def crash_once(documents: Any, *, in_processes: bool) -> list[bytes]:
        made = list(whole(documents, in_processes=in_processes))
        if fails.pop() if fails else False:
            raise OSError
        return made

    monkeypatch.setattr("paywell.documents.batches.render_many", crash_once)
    assert serve(work).done == 3
    assert IssuedDocument.objects.filter(kind="statement").count() == 3


def test_whoever_lost_the_right_meanwhile_gets_nothing(case: Case) -> None:
    viewer = viewer_of(case)
    work = ask(viewer)
    StaffMember.objects.filter(user=viewer.id).update(role=Role.READ_ONLY)
    assert serve(work).state == WorkState.FAILED
    assert not IssuedDocument.objects.exists()
    assert not work.files.exists()


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_only_who_may_issue_invoices_may_ask(case: Case, role: Role) -> None:
    viewer = viewer_of(case, role)
    with pytest.raises(NotAllowed):
        list_statement_accounts(viewer, which=Which.OWING, **NOVEMBER)
    with pytest.raises(NotAllowed):
        ask(viewer)
    assert not Work.objects.exists()


def test_days_that_make_no_statement_are_refused_before_anything_is_queued(case: Case) -> None:
    with pytest.raises(UserError) as refused:
        request_statements(
            viewer_of(case), which=Which.OWING, output=Output.ZIP, key="k", date_from=date(2026, 11, 1),
            date_to=date(2026, 11, 24),
        )  # fmt: skip
    assert refused.value.code == "range_ahead"
    assert not Work.objects.exists()


def test_processes_render_what_this_one_would(case: Case) -> None:
    serve(ask(viewer_of(case)))
    rows = list(IssuedDocument.objects.filter(kind="statement").order_by("number"))
    try:
        made = list(render_many((row.data for row in rows), in_processes=True))
    finally:
        close_pool()
    assert [text_of(pdf) for pdf in made] == [
        text_of(pdf) for pdf in render_many((row.data for row in rows), in_processes=False)
    ]


def test_statements_issued_together_say_what_each_says_alone_and_take_no_more_queries(case: Case) -> None:
    accounts = list(BillingAccount.objects.filter(practice=case.practice).order_by("name"))
    assert len(accounts) == 3
    alone = {"date_from": date(2026, 11, 2), "date_to": date(2026, 11, 23)}
    values = {"practice": case.practice, "actor_id": viewer_of(case).id}
    issue_statement(account=accounts[0], **alone, **values)
    with CaptureQueriesContext(connection) as for_one:
        singles = [issue_statement(account=accounts[1], **alone, **values)]
    singles = [issue_statement(account=each, **alone, **values) for each in accounts]
    with CaptureQueriesContext(connection) as for_all:
        together = issue_statements(accounts=accounts, **NOVEMBER, **values)
    assert len(for_all) == len(for_one)
    assert [row.account for row in together] == accounts
    assert [row.number for row in together] == [4, 5, 6]
    own = ("number", "period_from", "previous_minor", "items", "charges_minor")
    for one, other in zip(singles, together, strict=True):
        assert {key: value for key, value in one.data.items() if key not in own} == {
            key: value for key, value in other.data.items() if key not in own
        }
    assert [row.data["ending_minor"] for row in together] == [12_000, 12_000, 12_000]
    assert [row.data["previous_minor"] for row in together] == [0, 12_000, 12_000]
    told = AuditEvent.objects.filter(action="documents.issue", target_id__in=[row.id for row in together])
    assert sorted(event.detail["label"] for event in told) == ["ST-0004", "ST-0005", "ST-0006"]


def test_issued_together_again_only_what_changed_is_issued_anew(case: Case) -> None:
    accounts = list(BillingAccount.objects.filter(practice=case.practice).order_by("name"))
    values = {"practice": case.practice, "accounts": accounts, "actor_id": None, **NOVEMBER}
    first = issue_statements(**values)
    assert issue_statements(**values) == first
    service = make_service(case.client, on=date(2026, 11, 9), clinician=case.service.clinician)
    issue_invoice(practice=case.practice, account=case.account, services=[service], actor_id=None)
    second = issue_statements(**values)
    place = accounts.index(case.account)
    assert [row for row in second if row not in first] == [second[place]]
    assert (second[place].number, second[place].corrects) == (4, first[place])
    assert IssuedDocument.objects.filter(kind="statement").count() == 4
