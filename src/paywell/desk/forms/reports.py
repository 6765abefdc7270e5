"""Of which days a report tells."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm, day
from paywell.reports.cards import EXPIRY_DAYS

Span = tuple[date, date]
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)


class RangeForm(DeskForm):
    """From one day to another. `fallback` is what an empty field means."""

    date_from = day(_("From"), required=False)
    date_to = day(_("To"), required=False)

    def __init__(self, data: Mapping[str, Any], *, fallback: Span) -> None:
        shown = {"date_from": fallback[0], "date_to": fallback[1]}
        super().__init__({name: data.get(name) or value for name, value in shown.items()})

    def clean_date_from(self) -> date:
        return _check(self.cleaned_data["date_from"])

    def clean_date_to(self) -> date:
        last = _check(self.cleaned_data["date_to"])
        if last < self.cleaned_data.get("date_from", last):
            raise ValidationError(_("Choose an end that is not before the start."), code="date_order")
        return last

    def get_span(self) -> Span:
        return self.cleaned_data["date_from"], self.cleaned_data["date_to"]


class DayForm(DeskForm):
    """One day, at the end of which it is counted."""

    on = day(_("At the end of"), required=False)

    def __init__(self, data: Mapping[str, Any], *, fallback: Span) -> None:
        super().__init__({"on": data.get("on") or fallback[1]})

    def clean_on(self) -> date:
        return _check(self.cleaned_data["on"])

    def get_span(self) -> Span:
        return _EARLIEST, self.cleaned_data["on"]


class MonthForm(DeskForm):
    """One calendar month, as browsers write it: 2026-11."""

    month = forms.DateField(
        label=_("Month"),
        required=False,
        widget=forms.DateInput(format="%Y-%m", attrs={"type": "month"}),
        input_formats=["%Y-%m", "%m/%Y", "%b %Y"],
        error_messages={"invalid": _("Enter a month, like Nov 2026.")},
    )

    def __init__(self, data: Mapping[str, Any], *, fallback: Span) -> None:
        super().__init__({"month": data.get("month") or fallback[0].strftime("%Y-%m")})

    def clean_month(self) -> date:
        return _check(self.cleaned_data["month"])

    def get_span(self) -> Span:
        first: date = self.cleaned_data["month"]
        return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


ReportForm = RangeForm | DayForm | MonthForm


def _check(value: date) -> date:
    if not _EARLIEST <= value <= _LATEST:
        raise ValidationError(_("Choose a day between 2000 and 2100."), code="date_far")
    return value


def _this_month(today: date) -> Span:
    return today.replace(day=1), today


def _twelve_months(today: date) -> Span:
    """The present month and the eleven before it."""
    months = today.year * 12 + today.month - 12
    return date(months // 12, months % 12 + 1, 1), today


def _this_year(today: date) -> Span:
    return today.replace(month=1, day=1), today


def _coming(today: date) -> Span:
    return today.replace(day=1), today + timedelta(days=EXPIRY_DAYS)


def _last_month(today: date) -> Span:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


#: Of each report: its form, and what it shows unless asked otherwise.
FORMS: Final[Mapping[str, tuple[type[ReportForm], Callable[[date], Span]]]] = {
    "receivables": (DayForm, _this_month),
    "income": (RangeForm, _twelve_months),
    "payments": (RangeForm, _this_month),
    "deposits": (RangeForm, _this_month),
    "credits": (DayForm, _this_month),
    "write-offs": (RangeForm, _this_year),
    "card-expiry": (RangeForm, _coming),
    "month-end": (MonthForm, _last_month),
}


def read_form(name: str, data: Mapping[str, Any], today: date) -> ReportForm:
    form, fallback = FORMS[name]
    return form(data, fallback=fallback(today))
