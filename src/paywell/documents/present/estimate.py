"""The printed form of Good Faith Estimates. The disclaimers are those of 45 CFR 149.610(c)(1), in our own words."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from paywell.documents.present.parts import (
    Printed,
    address,
    cell,
    join,
    known,
    questions,
    sheet,
    table,
    total,
    writers,
)
from paywell.documents.types import EstimateDocument


def present_estimate(doc: EstimateDocument) -> Printed:
    money, day = writers(doc.setting)
    printed = sheet(doc, gettext("Good Faith Estimate"), doc.number)
    printed["facts"] += [
        [gettext("Date"), day(doc.issued_on)],
        [gettext("From"), day(doc.period_from)],
        [gettext("To"), day(doc.period_to)],
        [gettext("Expected"), money(doc.total_minor)],
    ]
    printed["addressee"] = list(doc.addressee)
    printed["panels"] = [_client_panel(doc), *_clinician_panels(doc), _care_panel(doc), _practice_panel(doc)]
    printed["diagnoses"] = _diagnoses(doc)
    printed["services"] = gettext("What is expected")
    printed["table"] = _items(doc)
    printed["totals"] = [total(gettext("Expected in all"), money(doc.total_minor), strong=True)]
    printed["notes"] = [*_disclaimers(doc), *printed["notes"], *questions(doc)]
    return printed


def _items(doc: EstimateDocument) -> Printed:
    money, _ = writers(doc.setting)
    many = len(doc.clinicians) > 1
    separate = gettext("Scheduled separately")
    rows = [
        [
            cell(
                item.wording,
                join(doc.clinicians[item.clinician].name if many else "", separate if item.is_separate else ""),
            ),
            cell(item.code),
            cell(str(item.count)),
            cell(money(item.fee_minor)),
            cell(money(item.amount_minor)),
        ]
        for item in doc.items
    ]
    labels = [gettext("Service"), gettext("Code"), gettext("Times"), gettext("Each"), gettext("Expected charge")]
    return table(labels, rows, wide=0, right=(2, 3, 4))


def _diagnoses(doc: EstimateDocument) -> Printed:
    if not doc.diagnoses:
        return {}
    rows = [[cell(dx.code), cell(dx.description)] for dx in doc.diagnoses]
    return {
        "heading": gettext("Diagnoses (ICD-10-CM)"),
        "table": table([gettext("Code"), gettext("Description")], rows, wide=1, optional=(1,)),
    }


def _client_panel(doc: EstimateDocument) -> Printed:
    born = f"{doc.birth_date:%m/%d/%Y}" if doc.birth_date else ""
    return {
        "heading": gettext("Client"),
        "facts": known([gettext("Name"), doc.client], [gettext("Date of birth"), born]),
    }


def _practice_panel(doc: EstimateDocument) -> Printed:
    tax_id = [gettext("Tax ID (%(kind)s)") % {"kind": doc.tax_id_kind}, doc.tax_id]
    if doc.tax_id_kind == "SSN" and doc.tax_id:
        tax_id.append(f"•••-••-{doc.tax_id[-4:]}")
    return {
        "heading": gettext("Practice"),
        "facts": known(
            [gettext("Name"), doc.letterhead.name],
            [gettext("Where"), address(doc.place)],
            tax_id,
            [gettext("NPI"), doc.group_npi],
        ),
    }


def _care_panel(doc: EstimateDocument) -> Printed:
    _, day = writers(doc.setting)
    times = sum(item.count for item in doc.items)
    return {
        "heading": gettext("Care"),
        "facts": known(
            [gettext("Main service"), doc.primary],
            [gettext("First date"), day(doc.first_on) if doc.first_on else gettext("Not scheduled yet")],
            [gettext("How often"), doc.frequency],
            [gettext("In all"), ngettext("%(count)s service", "%(count)s services", times) % {"count": times}],
        ),
    }


def _clinician_panels(doc: EstimateDocument) -> list[Printed]:
    return [
        {
            "heading": gettext("Clinician"),
            "facts": known(
                [gettext("Name"), join(clinician.name, clinician.credentials, by=", ")],
                [gettext("NPI"), clinician.npi],
                [gettext("License"), clinician.license],
            ),
        }
        for clinician in doc.clinicians
    ]


def _disclaimers(doc: EstimateDocument) -> list[str]:
    notes = [
        gettext(
            "This is an estimate of what the services above are reasonably expected to cost. It rests on what is "
            "known today; the bill may be higher or lower."
        ),
        gettext(
            "Other services may be recommended in the course of care. They are not on this estimate; they are "
            "scheduled or asked for separately, and you can have an estimate of them."
        ),
        gettext(
            "This is not a contract. It does not oblige you to have these services, from this practice or from "
            "anybody else."
        ),
        gettext(
            "You may dispute the bill if it is $400 or more above this estimate for the practice. Ask the practice "
            "first, or start the dispute with the U.S. Department of Health and Human Services within 120 calendar "
            "days of the date on the first bill; there is a fee of $25. How: www.cms.gov/nosurprises or "
            "1-800-985-3059. A dispute does not affect the quality of the care that you get."
        ),
        gettext("Keep this estimate: you may need it if you are billed more."),
    ]
    if any(item.is_separate for item in doc.items):
        notes.insert(
            1,
            gettext(
                "Services marked as scheduled separately get an estimate of their own when they are scheduled, or "
                "when you ask."
            ),
        )
    return notes
