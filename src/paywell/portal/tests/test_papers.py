"""product.md 1.7: everything ever issued, made for a range, and a year's papers."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pypdf import PdfReader

from paywell.care.actions import add_diagnosis
from paywell.care.models import Service, ServiceDiagnosis
from paywell.clients.models import Grant
from paywell.core import clock
from paywell.documents.models import IssuedDocument
from paywell.outbox.delivery import deliver_due
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.pages import pay, text

DOCUMENTS = "/portal/documents/"
MAKE = "/portal/documents/make/"


@pytest.fixture
def _whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an insurer would say of the superbills is tried elsewhere."""
    monkeypatch.setattr("paywell.documents.making_superbills.check_superbill", lambda practice, services: [])


def today(world: World) -> Any:
    return clock.business_date(clock.now(), world.practice.timezone)


def make(browser: Browser, world: World, what: str, **values: str) -> Any:
    last = today(world)
    days = {"from": (last - timedelta(days=300)).isoformat(), "to": last.isoformat(), "year": str(last.year)}
    return browser.post(MAKE, {"make": what, **days, **values})


@pytest.fixture
def paid(browser: Browser, world: World, _whole: None) -> None:
    """One service paid, one open, both with a diagnosis; the receipt is issued as it is for everybody."""
    pay(browser, make_line(world))
    make_line(world)
    first = Service.objects.order_by("on")[0].on
    diagnosis = add_diagnosis(
        practice=world.practice, client=world.client, code="F41.1", diagnosed_on=first, actor_id=None
    )
    for service in Service.objects.all():
        ServiceDiagnosis.objects.create(practice=world.practice, service=service, diagnosis=diagnosis, position=1)
    deliver_due()


@pytest.mark.usefixtures("paid")
def test_everything_ever_issued_is_listed_open_and_paid_alike(browser: Browser, world: World) -> None:
    for what in ("statement", "superbill", "yearly"):
        assert make(browser, world, what).status_code == 302, what
    page = text(browser.get(DOCUMENTS, {"show": "all"}))
    for words in (
        "Invoice INV-",
        "Receipt RC-0001",
        "Statement ST-0001",
        "Superbill SB-0001",
        "Yearly statement YS-0001",
    ):
        assert words in page, words
    assert "$120.00 due" in page
    assert "Paid" in page


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(
    ("shelf", "there", "not_there"),
    [
        ("invoices", "Invoice INV-", "Receipt RC-"),
        ("receipts", "Receipt RC-0001", "Invoice INV-"),
        ("statements", "None yet", "Receipt RC-"),
    ],
)
def test_a_shelf_holds_its_kind_alone(browser: Browser, shelf: str, there: str, not_there: str) -> None:
    page = text(browser.get(DOCUMENTS, {"show": shelf}))
    assert there in page
    assert not_there not in page


@pytest.mark.usefixtures("paid")
def test_days_narrow_the_list_down_and_a_wrong_one_is_told(browser: Browser, world: World) -> None:
    ahead = (today(world) + timedelta(days=1)).isoformat()
    assert "No documents in these days" in text(browser.get(DOCUMENTS, {"show": "all", "from": ahead}))
    assert "Receipt RC-0001" in text(browser.get(DOCUMENTS, {"show": "all", "to": ahead}))
    answer = browser.get(DOCUMENTS, {"show": "all", "from": "yesterday"})
    assert answer.status_code == 422
    assert "Enter a date, like Nov 3, 2026." in text(answer)


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(
    ("what", "kind"), [("statement", "statement"), ("superbill", "superbill"), ("yearly", "yearly")]
)
def test_what_is_made_opens_as_a_page_and_as_pdf_and_twice_is_one(
    browser: Browser, world: World, what: str, kind: str
) -> None:
    answers = [make(browser, world, what) for _ in range(2)]
    row = IssuedDocument.objects.get(kind=kind)
    assert {answer["Location"] for answer in answers} == {reverse("portal:issued", args=[row.id])}
    assert row.label in text(browser.get(reverse("portal:issued", args=[row.id])))
    pdf = browser.get(reverse("portal:issued_pdf", args=[row.id]))
    assert pdf["Content-Type"] == "application/pdf"
    assert row.label in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert "no-store" in pdf["Cache-Control"]


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(
    ("what", "values", "words"),
    [
        ("statement", {"from": ""}, "Enter the first and the last day"),
        ("statement", {"to": "2999-01-01"}, "ends today or earlier"),
        ("statement", {"from": "2026-13-01"}, "Enter a date, like Nov 3, 2026."),
        ("superbill", {"from": "2001-01-01", "to": "2001-02-01"}, "no service of these days"),
        ("yearly", {"year": "1999"}, "Nothing was paid in 1999"),
        ("pack", {"year": "1999"}, "Nothing was paid in 1999"),
        ("yearly", {"year": "x"}, "Choose a year"),
        ("poem", {}, "Choose what to make"),
    ],
)
def test_what_can_t_be_made_says_why_and_issues_nothing(
    browser: Browser, world: World, what: str, values: dict[str, str], words: str
) -> None:
    before = IssuedDocument.objects.count()
    answer = make(browser, world, what, **values)
    assert answer.status_code == 422
    assert words in text(answer)
    assert IssuedDocument.objects.count() == before


def choose(browser: Browser, *services: Any) -> Any:
    return browser.post(MAKE, {"make": "chosen", "service": [str(each) for each in services]})


@pytest.mark.usefixtures("paid")
def test_the_services_ticked_in_the_list_stand_on_one_superbill(browser: Browser, world: World) -> None:
    page = browser.get(DOCUMENTS).content.decode()
    services = list(Service.objects.order_by("on", "id"))
    assert all(f'name="service" value="{service.id}"' in page for service in services)
    assert page.count('value="chosen"') == 1
    answer = choose(browser, *(service.id for service in services))
    row = IssuedDocument.objects.get(kind="superbill")
    assert answer["Location"] == reverse("portal:issued", args=[row.id])
    assert {item["service_id"] for item in row.data["items"]} == {str(service.id) for service in services}
    choose(browser, services[0].id)
    newest = IssuedDocument.objects.filter(kind="superbill").latest("number")
    assert [item["service_id"] for item in newest.data["items"]] == [str(services[0].id)]


@pytest.mark.usefixtures("paid")
def test_nothing_ticked_is_told_in_the_list_and_issues_nothing(browser: Browser) -> None:
    before = IssuedDocument.objects.count()
    answer = choose(browser)
    assert answer["Location"] == DOCUMENTS
    assert "Tick the services" in text(browser.get(DOCUMENTS))
    assert IssuedDocument.objects.count() == before


@pytest.mark.usefixtures("paid")
def test_another_persons_service_among_the_ticked_ones_is_not_found_and_issues_nothing(
    browser: Browser, world: World, another: Any
) -> None:
    before = IssuedDocument.objects.count()
    theirs = make_line(another("another")).service_id
    own = Service.objects.filter(client=world.client).first()
    assert own is not None
    assert choose(browser, own.id, theirs).status_code == 404
    assert choose(browser, "no-id").status_code == 404
    assert IssuedDocument.objects.count() == before


@pytest.mark.usefixtures("paid")
def test_without_the_right_to_the_diagnosis_nothing_can_be_ticked(browser: Browser, world: World) -> None:
    Grant.objects.update(may_see_diagnosis=False)
    page = browser.get(DOCUMENTS).content.decode()
    assert 'name="service"' not in page
    assert 'value="chosen"' not in page
    assert choose(browser, *Service.objects.values_list("id", flat=True)).status_code == 404
    assert not IssuedDocument.objects.filter(kind="superbill").exists()


def read_pack(answer: Any) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.usefixtures("paid")
def test_a_year_s_papers_hold_the_yearly_statement_the_receipts_and_the_superbill(
    browser: Browser, world: World
) -> None:
    answer = make(browser, world, "pack")
    assert answer["Content-Disposition"] == f'attachment; filename="documents-{today(world).year}.zip"'
    files = read_pack(answer)
    assert sorted(files) == ["receipt-RC-0001.pdf", "superbill-SB-0001.pdf", "yearly-YS-0001.pdf"]
    assert all(content.startswith(b"%PDF") for content in files.values())


@pytest.mark.usefixtures("paid")
def test_a_payer_without_the_right_to_the_diagnosis_gets_no_superbill_by_any_door(
    browser: Browser, world: World
) -> None:
    make(browser, world, "superbill")
    superbill = IssuedDocument.objects.get(kind="superbill")
    Grant.objects.update(may_see_diagnosis=False)
    assert sorted(read_pack(make(browser, world, "pack"))) == ["receipt-RC-0001.pdf", "yearly-YS-0001.pdf"]
    assert make(browser, world, "superbill").status_code == 404
    assert make(browser, world, "superbill", client=str(world.client.id)).status_code == 404
    assert browser.get(reverse("portal:issued", args=[superbill.id])).status_code == 404
    assert "SB-0001" not in text(browser.get(DOCUMENTS, {"show": "all"}))
    assert "Make a superbill" not in text(browser.get(MAKE))


@pytest.mark.usefixtures("paid")
def test_documents_of_others_are_not_found_and_not_listed(browser: Browser, world: World, another: Any) -> None:
    make(browser, world, "statement")
    row = IssuedDocument.objects.get(kind="statement")
    stranger = Browser()
    stranger.force_login(another("Hillside").user)
    for name in ("issued", "issued_pdf"):
        assert stranger.get(reverse(f"portal:{name}", args=[row.id])).status_code == 404
    assert "ST-0001" not in text(stranger.get(DOCUMENTS, {"show": "all"}))


@pytest.mark.usefixtures("paid")
def test_a_superbill_that_can_t_be_made_is_told_in_the_pack(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paywell.documents.errors import NoSuperbill

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NoSuperbill("An insurer would miss something.", code="check_blocks")

    monkeypatch.setattr("paywell.documents.year_pack.make_superbills_for_range", refuse)
    files = read_pack(make(browser, world, "pack"))
    assert "An insurer would miss something." in files["notes.txt"].decode()
    assert "superbill-SB-0001.pdf" not in files


@pytest.mark.usefixtures("paid")
def test_the_list_costs_the_same_however_much_there_is(
    browser: Browser, world: World, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        make_line(world)
    with django_assert_max_num_queries(14):
        browser.get(DOCUMENTS, {"show": "all"})


@pytest.mark.usefixtures("paid")
def test_days_begin_with_the_month_before_for_a_superbill_and_with_the_year_for_a_statement(
    browser: Browser, world: World
) -> None:
    page, last = browser.get(MAKE).content.decode(), today(world)
    before = last.replace(day=1) - timedelta(days=1)
    for name, value in (
        ("superbill-from", before.replace(day=1)), ("superbill-to", before),
        ("statement-from", last.replace(month=1, day=1)), ("statement-to", last),
    ):  # fmt: skip
        assert re.search(rf'id="{name}" name="\w+" value="{value}"', page), name


def test_a_superbill_is_made_for_days_or_says_what_is_missing(browser: Browser, world: World) -> None:
    line = make_line(world)
    form = {"make": "superbill", "from": line.on.isoformat(), "to": line.on.isoformat()}
    answer = browser.post(reverse("portal:document_make"), form)
    assert answer.status_code == 422
    assert "something that an insurer needs is missing" in text(answer)
    empty = browser.post(reverse("portal:document_make"), form | {"from": "2020-01-01", "to": "2020-01-31"})
    assert "There is no service of these days" in text(empty)
