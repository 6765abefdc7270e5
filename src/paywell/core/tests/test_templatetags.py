"""How money, dates and states stand on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.template import Context, Template

from paywell.core.money import Money


def render(source: str, **context: object) -> str:
    return Template("{% load paywell %}" + source).render(Context(context))


def test_money_is_written_once_and_marked() -> None:
    assert render("{% money amount %}", amount=Money(120400)) == '<span class="money">$1,204.00</span>'
    assert render("{{ amount|typed_money }}", amount=Money(120400)) == "1204.00"


def test_a_date_reads_as_month_day_year() -> None:
    assert render("{{ on|day }}", on=date(2026, 11, 3)) == "Nov 3, 2026"


def test_a_moment_is_told_at_the_practice_s_hour() -> None:
    at = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
    assert render("{{ at|moment:'America/New_York' }}", at=at) == "Nov 23, 2026, 9:05 PM"


def test_a_badge_has_color_sign_and_word() -> None:
    html = render("{% badge 'good' 'Paid' %}")
    assert 'data-state="good"' in html
    assert "<svg" in html
    assert html.endswith("Paid</span>")


def test_a_badge_escapes_its_word() -> None:
    assert "<b>" not in render("{% badge 'good' word %}", word="<b>")


def test_a_phone_number_reads_as_people_write_it() -> None:
    assert render("{{ '+12125550123'|phone }}") == "(212) 555-0123"
    assert render("{{ 'ext. 5'|phone }}") == "ext. 5"


def test_of_a_name_the_first_word_stands_apart_from_the_rest() -> None:
    source = "{% with parts=name|split_name %}{{ parts.0 }}|{{ parts.1 }}{% endwith %}"
    assert render(source, name=" Mara  van Feldt ") == "Mara|van Feldt"
    assert render(source, name="Dr. Ana Ruiz") == "Dr. Ana|Ruiz"
    assert render(source, name="mara@example.org") == "mara@example.org|"
    assert render(source, name="") == "|"
