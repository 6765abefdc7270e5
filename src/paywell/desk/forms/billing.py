"""Forms about services, invoices and refunds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.accounts.types import Permission, StaffViewer
from paywell.care.actions import clean_place, refuse_day, refuse_diagnoses, refuse_insurer
from paywell.care.models import NEVER_ON_A_SUPERBILL, CatalogItem, Diagnosis
from paywell.clients.models import Client
from paywell.codes.places import PLACES, name_place
from paywell.core.identifiers import clean_modifiers
from paywell.core.money import Money, format_money
from paywell.core.templatetags.paywell import day as write_day
from paywell.desk.forms.base import TOLD, DeskForm, MoneyField, day, refuse_long_ago, text
from paywell.desk.words import DECISION_WORDS, METHOD_WORDS
from paywell.documents.batches import Output, Which
from paywell.payments.decisions import Decision
from paywell.practice.models import Clinician, Location


class ItemChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.wording} ({obj.code}), {format_money(Money(obj.fee_minor, obj.currency))}"


class DatedBoxes(forms.CheckboxSelectMultiple):
    """Boxes that say from and until when each diagnosis holds, so that the page offers those of the day chosen."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **options)
        row = getattr(value, "instance", None)
        if row is not None:
            option["attrs"] |= {"data-from": row.diagnosed_on.isoformat()}
            if row.ended_on:
                option["attrs"] |= {"data-until": row.ended_on.isoformat()}
        return option


class DiagnosisChoice(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        words = f"{obj.code} {obj.description}".strip()
        if obj.ended_on is None:
            return words
        return _("%(diagnosis)s, until %(day)s") % {"diagnosis": words, "day": write_day(obj.ended_on)}


class ServiceForm(DeskForm):
    """One service of one client. The catalogue gives code, wording and fee; the fee can be changed."""

    CAN_WAIT = frozenset({"location", "place_of_service", "units", "fee", "insurer", "modifiers", "times"})

    catalog_item = ItemChoice(
        label=_("Service"),
        queryset=CatalogItem.objects.none(),
        empty_label=_("Choose"),
        error_messages={"required": _("Choose what was done.")},
    )
    on = day(_("Date of service"))
    clinician = forms.ModelChoiceField(
        label=_("Clinician"),
        queryset=Clinician.objects.none(),
        empty_label=_("Choose"),
        error_messages={"required": _("Choose who rendered the service.")},
    )
    location = forms.ModelChoiceField(
        label=_("Place"), queryset=Location.objects.none(), required=False, empty_label=_("The practice")
    )
    place_of_service = forms.ChoiceField(
        label=_("Place of service"),
        required=False,
        initial="11",
        help_text=_(
            "Where the client was seen, in the two digits that insurers read: 11 is the office. A place chosen "
            "above has its own."
        ),
    )
    units = forms.IntegerField(label=_("Units"), min_value=1, max_value=999, initial=1)
    fee = MoneyField(
        label=_("Fee, all units"), required=False, help_text=_("Empty: the catalogue's fee times the units.")
    )
    insurer = MoneyField(label=_("Insurer's part"), required=False, help_text=_("The client owes the rest."))
    modifiers = text(_("Modifiers"), 20, check=clean_modifiers, help_text=_("Up to four, like HO HJ."))
    diagnoses = DiagnosisChoice(
        label=_("Diagnoses"),
        queryset=Diagnosis.objects.none(),
        required=False,
        widget=DatedBoxes,
        help_text=_("What the service points to on a superbill; the primary one is the first."),
    )
    is_second = forms.BooleanField(label=_("Record it a second time on that day"), required=False)
    times = forms.IntegerField(
        label=_("Repeat weekly"),
        required=False,
        min_value=2,
        max_value=52,
        help_text=_("How many in all, one a week from that date on. You see the days first. Empty: only this one."),
    )

    def __init__(self, *args: Any, viewer: StaffViewer, client: Client, **options: Any) -> None:
        super().__init__(*args, **options)
        self.client = client
        practice = viewer.practice
        choices: dict[str, Any] = {
            "catalog_item": CatalogItem.objects.filter(practice=practice, is_active=True).order_by("wording"),
            "clinician": Clinician.objects.filter(practice=practice, is_active=True).order_by("name"),
            "location": Location.objects.filter(practice=practice, is_active=True).order_by("name"),
            "diagnoses": Diagnosis.objects.filter(practice=practice, client=client).order_by("rank", "code"),
        }
        for name, queryset in choices.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        for name in ("fee", "insurer"):
            self.fields[name].currency = practice.currency  # type: ignore[attr-defined]
        if not viewer.may(Permission.SEE_DIAGNOSES) or not choices["diagnoses"].exists():
            del self.fields["diagnoses"]
        places = [(code, name_place(code)) for code in PLACES]
        self.fields["place_of_service"].choices = places  # type: ignore[attr-defined]
        if not choices["location"].exists():
            del self.fields["location"]
            self.fields["place_of_service"].help_text = _(
                "Where the client was seen, in the two digits that insurers read: 11 is the office."
            )

    def clean_on(self) -> date:
        return refuse_long_ago(self.cleaned_data["on"])

    def clean(self) -> dict[str, Any]:
        """What recording would refuse, all of it at once; of one that repeats, before its days are shown."""
        values = super().clean() or {}
        on, insurer, fee = values.get("on"), values.get("insurer"), self.get_fee(values)
        if fee is not None and insurer is not None:
            self.judge(lambda: refuse_insurer(insurer.minor, fee))
        if on is not None:
            location = values.get("location")
            place = location.place_of_service if location else values.get("place_of_service") or "11"
            self.judge(lambda: refuse_day(self.client, on))
            self.judge(lambda: clean_place(place, on))
            self.judge(lambda: refuse_diagnoses(values.get("diagnoses") or (), on))
        return values

    def get_fee(self, values: dict[str, Any]) -> Money | None:
        """What the service is to cost with these values, as far as they tell."""
        fee, item = values.get("fee"), values.get("catalog_item")
        if fee is not None or item is None or "fee" in self.errors:
            return fee
        return Money(item.fee_minor * values.get("units", 1), item.currency)

    def asks_twice(self) -> bool:
        """Whether the client has this service on that day already, so that the page has to ask."""
        return self.is_bound and ("is_second" in self.errors or bool(self["is_second"].value()))

    def days(self) -> list[date]:
        """The date of service, and as many weeks after it as were asked for."""
        first, times = self.cleaned_data["on"], self.cleaned_data["times"] or 1
        return [first + timedelta(weeks=week) for week in range(times)]


class FeeForm(DeskForm):
    """What a client owes for a session that did not take place: two presses, as the catalogue has it."""

    catalog_item = ItemChoice(
        label=_("What happened"),
        queryset=CatalogItem.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what happened.")},
    )
    on = day(_("Date of the session"))
    clinician = forms.ModelChoiceField(
        label=_("Clinician"),
        queryset=Clinician.objects.none(),
        empty_label=_("Choose"),
        error_messages={"required": _("Choose whose session it was.")},
    )
    session = forms.ChoiceField(
        label=_("The session recorded for that day"),
        required=False,
        initial="",
        choices=[("void", _("Void it: only the fee is owed")), ("keep", _("Keep it: both are owed"))],
        widget=forms.RadioSelect,
    )

    def asks_about_session(self) -> bool:
        """Whether a session is recorded for that day, so that the page has to ask."""
        return self.is_bound and ("session" in self.errors or bool(self["session"].value()))

    def clean_on(self) -> date:
        return refuse_long_ago(self.cleaned_data["on"])

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        items = CatalogItem.objects.filter(practice=viewer.practice, is_active=True, kind__in=NEVER_ON_A_SUPERBILL)
        people = Clinician.objects.filter(practice=viewer.practice, is_active=True).order_by("name")
        self.fields["catalog_item"].queryset = items.order_by("-kind", "wording")  # type: ignore[attr-defined]
        self.fields["clinician"].queryset = people  # type: ignore[attr-defined]
        first = items.order_by("-kind", "wording").first()
        self.fields["catalog_item"].initial = first
        self.has_items = first is not None


class BatchForm(DeskForm):
    """The range of a batch of invoices."""

    date_from = day(_("From"))
    date_to = day(_("To"))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and last < first:
            self.add_error("date_to", ValidationError(_("The range ends before it begins.")))
        if first and last and last - first > timedelta(days=1100):
            self.add_error("date_from", ValidationError(_("Choose at most three years.")))
        return values


class StatementBatchForm(BatchForm):
    """The days, whom statements are for, and what comes of it. `key` makes pressing twice ask once."""

    which = forms.ChoiceField(label=_("For"), choices=Which.choices, initial=Which.OWING)
    output = forms.ChoiceField(label=_("As"), choices=Output.choices, initial=Output.ZIP)
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class ReasonForm(DeskForm):
    """Why something is done. Staff alone read it."""

    reason = text(_("Reason"), 200, required=True, error_messages={"required": _("Say why.")})


class ToldReasonForm(DeskForm):
    """Why something is taken back that a client saw."""

    reason = text(_("Reason"), 200, required=True, help_text=TOLD, error_messages={"required": _("Say why.")})


class ReviewForm(ReasonForm):
    """What a person found, and where the payment itself waits for it, what came of it."""

    decision = forms.ChoiceField(
        label=_("What came of it"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what came of it.")},
    )
    field_order = ["decision", "reason"]

    def __init__(self, *args: Any, decisions: Collection[Decision], **options: Any) -> None:
        super().__init__(*args, **options)
        choices: list[tuple[str, Any]] = [(each.value, DECISION_WORDS[each]) for each in decisions]
        if not choices:
            del self.fields["decision"]
            return
        if tuple(decisions) == (Decision.ACCEPT,):
            choices.append(("", _("Settled elsewhere: only close the review")))
            self.fields["decision"].required = False
        if len(choices) == 1:
            self.fields["decision"].initial = choices[0][0]
        self.fields["decision"].choices = choices  # type: ignore[attr-defined]

    @property
    def decision_made(self) -> Decision | None:
        """None where the review alone is closed."""
        made = self.cleaned_data.get("decision")
        return Decision(made) if made else None


class RefundForm(DeskForm):
    amount = MoneyField(label=_("Amount to refund"))
    reason = text(_("Reason"), 200, required=True, help_text=TOLD, error_messages={"required": _("Say why.")})

    def __init__(self, *args: Any, left: Money, **options: Any) -> None:
        super().__init__(*args, **options)
        self.left = left
        self.fields["amount"].currency = left.currency  # type: ignore[attr-defined]
        self.fields["amount"].help_text = _("At most %(left)s.") % {"left": format_money(left)}

    def clean_amount(self) -> Money:
        amount: Money = self.cleaned_data["amount"]
        if amount > self.left:
            raise ValidationError(
                _("Refund at most %(left)s."), code="above", params={"left": format_money(self.left)}
            )
        return amount


class PaymentFilter(DeskForm):
    """What narrows the list of payments. What can't be read is left out."""

    date_from = day(_("From"), required=False)
    date_to = day(_("To"), required=False)
    how = forms.ChoiceField(
        label=_("Method"),
        required=False,
        choices=[("", _("All")), ("online", _("Online")), ("hand", _("By hand")), *METHOD_WORDS.items()],
    )

    def method(self) -> str:
        """The method that narrows; blank for all. Only after `days`."""
        return self.cleaned_data.get("how", "")

    def days(self) -> tuple[date | None, date | None]:
        self.is_valid()
        return self.cleaned_data.get("date_from"), self.cleaned_data.get("date_to")
