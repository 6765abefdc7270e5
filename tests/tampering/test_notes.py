"""Notes are text: too long ones are refused, and markup in them is shown, never obeyed."""

from __future__ import annotations

from datetime import date
from html import escape

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff
from paywell.clients.models import Grant
from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_line
from tests.tampering.conftest import Payer, Till, page_of

MARKUP = "<script>alert('x')</script> & \"{{ 7|add:1 }}\" <img src=x onerror=alert(1)>"


def test_notes_with_501_characters(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    answer = payer.send(form, amount="60.00", notes="n" * 501)
    assert answer.status_code == 422
    assert "Use at most 500 characters." in page_of(answer)
    assert "n" * 501 + "</textarea>" in page_of(answer)
    assert 'value="60.00"' in page_of(answer)
    till.assert_untouched()


def test_notes_with_500_characters_are_kept_whole(world: World, payer: Payer, till: Till) -> None:
    payer.send(payer.open_window(make_line(world)), notes="ü" * 500)
    assert Attempt.objects.get().notes == "ü" * 500


def test_markup_in_notes_is_shown_escaped_wherever_they_stand(world: World, payer: Payer, till: Till) -> None:
    Grant.objects.update(may_see_documents=True)
    attempt = payer.pay(make_line(world), notes=MARKUP)
    assert attempt.notes == MARKUP
    staff = Browser()
    staff.force_login(make_staff(world.practice, Role.OWNER).user)
    pages = [
        payer.browser.get(reverse("portal:history")),
        payer.browser.get(reverse("portal:payment", args=[attempt.id])),
        payer.browser.get(reverse("portal:receipt", args=[attempt.id])),
        staff.get(reverse("desk:payments")),
        staff.get(reverse("desk:payment", args=[attempt.id])),
        staff.get(reverse("desk:receipt", args=[attempt.id])),
    ]
    for page in pages:
        content = page.content.decode()
        assert page.status_code == 200, page.request["PATH_INFO"]
        assert "<script>alert" not in content
        assert "onerror=alert(1)>" not in content
    for page in (pages[0], pages[1], pages[4]):
        assert escape(MARKUP) in page.content.decode(), page.request["PATH_INFO"]
    assert payer.browser.get(reverse("portal:receipt_pdf", args=[attempt.id])).content[:5] == b"%PDF-"


def test_markup_in_refused_notes_is_shown_escaped(world: World, payer: Payer, till: Till) -> None:
    answer = payer.send(payer.open_window(make_line(world)), amount="0", notes="</textarea>" + MARKUP)
    assert answer.status_code == 422
    assert "</textarea><script>" not in answer.content.decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_notes_are_no_formula_in_a_spreadsheet(world: World, payer: Payer, till: Till, start: str) -> None:
    formula = f'{start}HYPERLINK("https://x.example.org",1)'
    attempt = payer.pay(make_line(world))
    Attempt.objects.filter(pk=attempt.pk).update(notes=formula)
    answer = payer.browser.get(reverse("portal:history_csv"))
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'" + formula.replace('"', '""') in content
    assert f',"{start}' not in content
    assert f",{start}" not in content


def test_control_characters_in_notes_do_not_break_a_page_or_the_receipt(
    world: World, payer: Payer, till: Till
) -> None:
    attempt = payer.pay(make_line(world), notes="a\x00b\x07c\u202ed\r\ne #let x = 1 $x$ *y* [z] \\")
    assert "\x00" not in attempt.notes
    for name in ("payment", "receipt", "receipt_pdf"):
        assert payer.browser.get(reverse(f"portal:{name}", args=[attempt.id])).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"from": "0001-01-01"}, {"to": "9999-12-31"}, {"from": "x"}, {"from": "2026-02-30"}, {"to": "\x00"},
        {"from": "2026-05-02", "to": "2026-05-01"}, {"page": "-1"}, {"page": "٣"}, {"page": "999999"},
        {"page": "1e9"}, {"from": "9" * 1_000},
    ],
)  # fmt: skip
def test_a_filter_that_is_none_breaks_nothing(
    world: World, payer: Payer, till: Till, query: dict[str, str]
) -> None:
    payer.pay(make_line(world, on=date(2026, 5, 1)))
    till.remember()
    for name in ("history", "history_csv"):
        assert payer.browser.get(reverse(f"portal:{name}"), query).status_code in (200, 422)
    till.assert_untouched()
