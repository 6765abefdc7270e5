"""The printed form of superbills."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from paywell.documents.present.parts import Printed, cell, join, numeric, sheet, table, total, writers
from paywell.documents.types import SuperbillClinician, SuperbillDocument


def present_superbill(doc: SuperbillDocument) -> Printed:
    money, _ = writers(doc.setting)
    many = len(doc.clinicians) > 1
    rows = [
        [
            cell(numeric(item.on)),
            cell(item.place_of_service),
            cell(item.code),
            cell(" ".join(item.modifiers)),
            cell(item.wording, doc.clinicians[item.clinician].name if many else ""),
            cell(item.pointers),
            cell(str(item.units)),
            cell(money(item.charge_minor)),
            cell(money(item.paid_minor)),
        ]
        for item in doc.items
    ]
    printed = sheet(doc, gettext("Superbill"), doc.number)
    printed["facts"].append([gettext("Date"), numeric(doc.issued_on)])
    printed["panels"] = [_client_panel(doc), _practice_panel(doc), *_clinician_panels(doc), *_facility_panel(doc)]
    printed["diagnoses"] = {
        "heading": gettext("Diagnoses (ICD-10-CM)"),
        "table": table(
            [gettext("Pointer"), gettext("Code"), gettext("Description")],
            [[cell(dx.letter), cell(dx.code), cell(dx.description)] for dx in doc.diagnoses]
            or [[cell(""), cell(""), cell(gettext("None recorded on or before the date of service"))]],
            wide=2,
        ),
    }
    printed["services"] = ngettext("Service", "Services", len(doc.items))
    printed["table"] = table(
        [
            gettext("Date"),
            gettext("Place"),
            gettext("Code"),
            gettext("Mod."),
            gettext("Description"),
            gettext("Dx"),
            gettext("Units"),
            gettext("Charge"),
            gettext("Paid"),
        ],
        rows,
        wide=4,
        right=(6, 7, 8),
    )
    printed["totals"] = [
        total(gettext("Total charge"), money(doc.charge_minor)),
        total(gettext("Paid by client"), money(doc.paid_minor)),
        total(gettext("Balance"), money(doc.balance_minor), strong=True),
    ]
    printed["notes"] = [
        gettext("Please send any reimbursement to the client. Benefits are not assigned to the practice."),
    ]
    printed["signature"] = [gettext("Signature of clinician"), gettext("Date signed")]
    return printed


def _client_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Client"),
        "facts": [
            [gettext("Legal name"), doc.client],
            [gettext("Date of birth"), numeric(doc.birth_date)],
            [gettext("Sex"), doc.sex],
            [gettext("Address"), ", ".join(doc.client_address)],
            [gettext("Phone"), doc.client_phone],
            [gettext("Payee"), gettext("Client")],
        ],
    }


def _practice_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Practice"),
        "facts": [
            [gettext("Name"), doc.letterhead.name],
            [gettext("Address"), ", ".join(doc.letterhead.address)],
            [gettext("Phone"), doc.letterhead.phone],
            _tax_id(doc),
            [gettext("Group NPI"), doc.group_npi],
        ],
    }


def _tax_id(doc: SuperbillDocument) -> list[str]:
    """A fact with a third text is shown by that text on a screen: an SSN stands in full on paper alone."""
    fact = [gettext("Tax ID (%(kind)s)") % {"kind": doc.tax_id_kind}, doc.tax_id]
    if doc.tax_id_kind == "SSN" and doc.tax_id:
        fact.append(f"•••-••-{doc.tax_id[-4:]}")
    return fact


def _clinician_panels(doc: SuperbillDocument) -> list[Printed]:
    return [_clinician_panel(clinician) for clinician in doc.clinicians]


def _clinician_panel(clinician: SuperbillClinician) -> Printed:
    facts = [
        [gettext("Name"), join(clinician.name, clinician.credentials, by=", ")],
        [gettext("NPI"), clinician.npi],
        [gettext("License"), clinician.license],
        [gettext("Taxonomy"), clinician.taxonomy],
    ]
    if clinician.supervisor:
        facts.append([gettext("Supervisor"), clinician.supervisor])
    return {"heading": gettext("Rendering clinician"), "facts": facts}


def _facility_panel(doc: SuperbillDocument) -> list[Printed]:
    if not doc.facility:
        return []
    return [
        {
            "heading": gettext("Place of service"),
            "facts": [
                [gettext("Name"), doc.facility[0]],
                [gettext("Address"), ", ".join(doc.facility[1:])],
            ],
        }
    ]
