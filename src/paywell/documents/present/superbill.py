"""The printed form of superbills."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from paywell.documents.present.parts import (
    Printed,
    address,
    cell,
    join,
    known,
    numeric,
    sheet,
    table,
    total,
    writers,
)
from paywell.documents.types import SuperbillClinician, SuperbillCoverage, SuperbillDocument


def present_superbill(doc: SuperbillDocument) -> Printed:
    money, _ = writers(doc.setting)
    printed = sheet(doc, gettext("Superbill"), doc.number)
    printed["facts"].append([gettext("Date"), numeric(doc.issued_on)])
    # An insurer takes the pages apart: each says whose it is.
    printed["footer"] = join(doc.client, numeric(doc.birth_date), printed["footer"])
    if doc.part:
        printed["facts"].append([gettext("Part"), doc.part])
    printed["panels"] = [
        _client_panel(doc),
        *([_coverage_panel(doc, doc.coverage)] if doc.coverage else []),
        _practice_panel(doc),
        *(_clinician_panel(clinician) for clinician in doc.clinicians),
        *_facility_panel(doc),
        *_referral_panel(doc),
    ]
    printed["diagnoses"] = {"heading": gettext("Diagnoses (ICD-10-CM)"), "table": _diagnoses(doc)}
    printed["services"] = ngettext("Service", "Services", len(doc.items))
    printed["table"] = _lines(doc)
    printed["totals"] = [
        total(gettext("Total charge"), money(doc.charge_minor)),
        total(gettext("Paid by client"), money(doc.paid_minor)),
        total(gettext("Balance"), money(doc.balance_minor), strong=True),
    ]
    printed["notes"] = [
        gettext("Please send any reimbursement to the client. Assignment of benefits: no."),
        *_proof(doc),
        *printed["notes"],
    ]
    if doc.signed_by and doc.signed_on:
        signed = gettext("Signature on file: %(name)s") % {"name": doc.signed_by}
        printed["signature"] = {"texts": [signed, numeric(doc.signed_on)], "labels": _signature_labels()}
    else:
        printed["signature"] = {"texts": ["", ""], "labels": _signature_labels()}
    return printed


def _signature_labels() -> list[str]:
    return [gettext("Signature of clinician"), gettext("Date signed")]


def _lines(doc: SuperbillDocument) -> Printed:
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
    labels = [
        gettext("Date"),
        gettext("Place"),
        gettext("Code"),
        gettext("Mod."),
        gettext("Description"),
        gettext("Dx"),
        gettext("Units"),
        gettext("Charge"),
        gettext("Paid"),
    ]
    return table(labels, rows, wide=4, right=(6, 7, 8))


def _diagnoses(doc: SuperbillDocument) -> Printed:
    none = gettext("None recorded on or before the date of service")
    rows = [
        [cell(dx.letter), cell(dx.code), cell(dx.description if doc.show_descriptions else "")]
        for dx in doc.diagnoses
    ] or [[cell(""), cell(""), cell(none)]]
    return table([gettext("Pointer"), gettext("Code"), gettext("Description")], rows, wide=2, optional=(2,))


def _proof(doc: SuperbillDocument) -> list[str]:
    """When and how the client paid: some insurers ask for it."""
    money, _ = writers(doc.setting)
    methods = {
        "card": gettext("card"),
        "cash or check": gettext("cash or check"),
        "bank transfer": gettext("bank transfer"),
        "credit on account": gettext("credit on account"),
    }
    parts = [
        gettext("%(amount)s on %(day)s by %(method)s")
        % {
            "amount": money(payment.amount_minor),
            "day": numeric(payment.on),
            "method": methods.get(payment.method, gettext("other means")),
        }
        for payment in doc.payments
    ]
    return [gettext("Paid by the client: %(parts)s.") % {"parts": "; ".join(parts)}] if parts else []


# The panels


def _client_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Client"),
        "facts": known(
            [gettext("Legal name"), doc.client],
            [gettext("Date of birth"), numeric(doc.birth_date)],
            [gettext("Sex"), doc.sex],
            [gettext("Address"), address(doc.client_address)],
            [gettext("Phone"), doc.client_phone],
            [gettext("Payee"), gettext("Client")],
        ),
    }


def _coverage_panel(doc: SuperbillDocument, coverage: SuperbillCoverage) -> Printed:
    relationships = {
        "self": gettext("Self"),
        "spouse": gettext("Spouse"),
        "child": gettext("Child"),
        "other": gettext("Other"),
    }
    return {
        "heading": gettext("Insurance"),
        "facts": known(
            [gettext("Insurer"), coverage.insurer],
            [gettext("Member ID"), coverage.member_id],
            [gettext("Group"), coverage.group_number],
            [gettext("Subscriber"), coverage.subscriber],
            [gettext("Date of birth"), numeric(coverage.subscriber_birth_date)],
            [gettext("Their address"), address(coverage.subscriber_address)],
            [gettext("Client is"), relationships.get(coverage.relationship, "")],
            [gettext("Authorization"), doc.authorization],
        ),
    }


def _practice_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Practice"),
        "facts": known(
            [gettext("Name"), doc.letterhead.name],
            [gettext("Address"), address(doc.letterhead.address)],
            [gettext("Phone"), doc.letterhead.phone],
            _tax_id(doc),
            [gettext("Group NPI"), doc.group_npi],
        ),
    }


def _tax_id(doc: SuperbillDocument) -> list[str]:
    """A fact with a third text is shown by that text on a screen: an SSN stands in full on paper alone."""
    fact = [gettext("Tax ID (%(kind)s)") % {"kind": doc.tax_id_kind}, doc.tax_id]
    if doc.tax_id_kind == "SSN" and doc.tax_id:
        fact.append(f"•••-••-{doc.tax_id[-4:]}")
    return fact


def _clinician_panel(clinician: SuperbillClinician) -> Printed:
    return {
        "heading": gettext("Rendering clinician"),
        "facts": known(
            [gettext("Name"), join(clinician.name, clinician.credentials, by=", ")],
            [gettext("NPI"), clinician.npi],
            [gettext("License"), clinician.license],
            [gettext("Taxonomy"), clinician.taxonomy],
            [gettext("Supervisor"), clinician.supervisor],
            [gettext("Their license"), clinician.supervisor_license],
            [gettext("Their NPI"), clinician.supervisor_npi],
        ),
    }


def _facility_panel(doc: SuperbillDocument) -> list[Printed]:
    if not doc.facility:
        return []
    facts = known(
        [gettext("Name"), doc.facility[0]],
        [gettext("Address"), address(doc.facility[1:])],
        [gettext("NPI"), doc.facility_npi],
    )
    return [{"heading": gettext("Place of service"), "facts": facts}]


def _referral_panel(doc: SuperbillDocument) -> list[Printed]:
    if not doc.referring:
        return []
    facts = known([gettext("Name"), doc.referring], [gettext("NPI"), doc.referring_npi])
    return [{"heading": gettext("Referred by"), "facts": facts}]
