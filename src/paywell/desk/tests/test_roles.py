"""Each role against each address of the desk, made from the list of addresses itself."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.types import PERMISSIONS
from paywell.accounts.types import Permission as P
from paywell.audit.models import AuditEvent
from paywell.clients.tests.factories import make_client
from paywell.desk.tests.factories import Desk, make_desk
from paywell.desk.urls import urlpatterns

#: What each address needs. An address that is missing here fails `test_every_address_is_listed`.
NEEDS: dict[str, P] = {
    "inbox": P.SEE_DESK,
    "setup": P.CHANGE_SETTINGS,
    "setup_close": P.CHANGE_SETTINGS,
    "setup_try": P.CHANGE_SETTINGS,
    "search": P.SEE_CLIENTS,
    "roles": P.SEE_DESK,
    "switch": P.SEE_DESK,
    "review_close": P.REFUND,
    "payments": P.SEE_MONEY,
    "payment": P.SEE_MONEY,
    "payment_check": P.TAKE_PAYMENTS,
    "refund": P.REFUND,
    "receipt": P.SEE_MONEY,
    "receipt_pdf": P.SEE_MONEY,
    "clients": P.SEE_CLIENTS,
    "client_new": P.EDIT_CLIENTS,
    "client": P.SEE_CLIENTS,
    "client_edit": P.EDIT_CLIENTS,
    "client_archive": P.EDIT_CLIENTS,
    "client_services": P.SEE_CLIENTS,
    "service_new": P.RECORD_SERVICES,
    "service_fee": P.RECORD_SERVICES,
    "client_invoices": P.SEE_MONEY,
    "invoice_new": P.ISSUE_INVOICES,
    "client_payments": P.SEE_MONEY,
    "payment_new": P.TAKE_PAYMENTS,
    "client_ledger": P.SEE_MONEY,
    "credit_apply": P.TAKE_PAYMENTS,
    "credit_pay_out": P.REFUND,
    "adjust": P.ISSUE_INVOICES,
    "entry_reverse": P.TAKE_PAYMENTS,
    "client_agreements": P.SEE_MONEY,
    "payments_seen": P.TAKE_PAYMENTS,
    "unreached_told": P.EDIT_CLIENTS,
    "refund_request": P.REFUND,
    "pay_out": P.REFUND,
    "take_back": P.REFUND,
    "invoice_reissue": P.ISSUE_INVOICES,
    "billing_rules": P.CHANGE_SETTINGS,
    "client_by_rule": P.ISSUE_INVOICES,
    "charge_card": P.TAKE_PAYMENTS,
    "plan_new": P.TAKE_PAYMENTS,
    "plan_withdraw": P.TAKE_PAYMENTS,
    "agreement_hold": P.TAKE_PAYMENTS,
    "agreement_end": P.TAKE_PAYMENTS,
    "charge_batch": P.TAKE_PAYMENTS,
    "charge_again": P.TAKE_PAYMENTS,
    "charge_seen": P.TAKE_PAYMENTS,
    "agreement_seen": P.TAKE_PAYMENTS,
    "line_story": P.SEE_MONEY,
    "question_answer": P.TAKE_PAYMENTS,
    "insurer_entry": P.ISSUE_INVOICES,
    "client_billing": P.SEE_MONEY,
    "client_shares": P.EDIT_CLIENTS,
    "client_account_new": P.EDIT_CLIENTS,
    "client_account_edit": P.EDIT_CLIENTS,
    "client_account_choose": P.EDIT_CLIENTS,
    "contact_edit": P.EDIT_CLIENTS,
    "client_payments_allowed": P.EDIT_CLIENTS,
    "client_cards": P.SEE_MONEY,
    "client_diagnoses": P.SEE_DIAGNOSES,
    "diagnosis_new": P.RECORD_SERVICES,
    "diagnosis_end": P.RECORD_SERVICES,
    "client_people": P.SEE_CLIENTS,
    "person_new": P.EDIT_CLIENTS,
    "grant_change": P.EDIT_CLIENTS,
    "grant_end": P.EDIT_CLIENTS,
    "invite": P.EDIT_CLIENTS,
    "invitation_withdraw": P.EDIT_CLIENTS,
    "services": P.SEE_CLIENTS,
    "service": P.SEE_CLIENTS,
    "service_edit": P.RECORD_SERVICES,
    "service_void": P.RECORD_SERVICES,
    "service_keep": P.RECORD_SERVICES,
    "superbill_new": P.RECORD_SERVICES,
    "estimate_new": P.RECORD_SERVICES,
    "statement_new": P.ISSUE_INVOICES,
    "client_documents": P.SEE_MONEY,
    "issued": P.SEE_CLIENTS,
    "issued_pdf": P.SEE_CLIENTS,
    "client_insurance": P.SEE_CLIENTS,
    "coverage_new": P.EDIT_CLIENTS,
    "coverage_edit": P.EDIT_CLIENTS,
    "invoices": P.SEE_MONEY,
    "invoice_batch": P.ISSUE_INVOICES,
    "invoice": P.SEE_MONEY,
    "invoice_print": P.SEE_MONEY,
    "invoice_pdf": P.SEE_MONEY,
    "invoice_void": P.ISSUE_INVOICES,
    "pay_link_new": P.TAKE_PAYMENTS,
    "pay_links": P.TAKE_PAYMENTS,
    "pay_link_send": P.TAKE_PAYMENTS,
    "pay_link_revoke": P.TAKE_PAYMENTS,
    "reports": P.SEE_MONEY,
    "report": P.SEE_MONEY,
    "report_csv": P.SEE_MONEY,
    "deposit": P.SEE_MONEY,
    "deposit_csv": P.SEE_MONEY,
    "settings": P.CHANGE_SETTINGS,
    "payments_allowed": P.CHANGE_SETTINGS,
    "processor": P.CHANGE_SETTINGS,
    "recollect": P.SEE_MONEY,
    "recollect_ask": P.EDIT_CLIENTS,
    "processor_choose": P.CHANGE_SETTINGS,
    "processor_connect": P.CHANGE_SETTINGS,
    "processor_keys": P.CHANGE_SETTINGS,
    "processor_check": P.CHANGE_SETTINGS,
    "processor_disconnect": P.CHANGE_SETTINGS,
    "settings_practice": P.CHANGE_SETTINGS,
    "settings_look": P.CHANGE_SETTINGS,
    "clinicians": P.CHANGE_SETTINGS,
    "clinician_new": P.CHANGE_SETTINGS,
    "clinician_edit": P.CHANGE_SETTINGS,
    "locations": P.CHANGE_SETTINGS,
    "location_new": P.CHANGE_SETTINGS,
    "location_edit": P.CHANGE_SETTINGS,
    "catalog": P.CHANGE_SETTINGS,
    "catalog_import": P.CHANGE_SETTINGS,
    "client_csv": P.SEE_MONEY,
    "payment_csv": P.SEE_MONEY,
    "client_import": P.EDIT_CLIENTS,
    "service_import": P.ISSUE_INVOICES,
    "import_file": P.EDIT_CLIENTS,
    "code_license": P.CHANGE_SETTINGS,
    "catalog_item_new": P.CHANGE_SETTINGS,
    "catalog_item_edit": P.CHANGE_SETTINGS,
    "staff": P.CHANGE_SETTINGS,
    "staff_new": P.CHANGE_SETTINGS,
    "staff_invite": P.CHANGE_SETTINGS,
    "staff_end": P.CHANGE_SETTINGS,
    "staff_role": P.CHANGE_SETTINGS,
    "notices": P.CHANGE_SETTINGS,
    "reminders": P.CHANGE_SETTINGS,
    "deliveries": P.SEE_AUDIT,
    "notice_edit": P.CHANGE_SETTINGS,
    "notice_restore": P.CHANGE_SETTINGS,
    "statement_batch": P.ISSUE_INVOICES,
    "works": P.SEE_DESK,
    "work": P.SEE_DESK,
    "work_cancel": P.SEE_DESK,
    "work_zip": P.SEE_DESK,
    "work_file": P.SEE_DESK,
    "audit": P.SEE_CLIENTS,
    "audit_csv": P.SEE_CLIENTS,
    "status": P.SEE_AUDIT,
}
NAMES = {str(pattern.name): pattern for pattern in urlpatterns}
#: Their addresses name a kind of processor, report or notice, which every practice has.
NAMES_NO_ROW = {"processor_connect", "report", "report_csv", "notice_edit", "notice_restore"}
#: Holds everybody's money: nothing for a clinician, who sees own clients.
OF_WHOLE_PRACTICE = {"deposit", "deposit_csv"}
EMPTY_CARD: Final = re.compile(r'<(section|div|form) class="card\b[^>]*>\s*</\1>')
POST_ONLY = {
    "client_archive",
    "payments_seen",
    "unreached_told",
    "invoice_reissue",
    "client_by_rule",
    "plan_withdraw",
    "agreement_hold",
    "agreement_end",
    "charge_again",
    "charge_seen",
    "agreement_seen",
    "client_payments_allowed",
    "invitation_withdraw",
    "invite",
    "notice_restore",
    "pay_link_new",
    "pay_link_revoke",
    "pay_link_send",
    "payment_check",
    "payments_allowed",
    "processor_check",
    "recollect_ask",
    "service_keep",
    "setup_close",
    "setup_try",
    "staff_invite",
    "switch",
    "work_cancel",
}


def address(name: str, desk: Desk, **others: Any) -> str:
    ids = desk.ids() | others
    wanted = NAMES[name].pattern.converters
    return reverse(f"desk:{name}", kwargs={key: ids[key] for key in wanted})


def test_every_address_is_listed() -> None:
    assert set(NEEDS) == set(NAMES)


def test_whoever_records_services_may_see_diagnoses() -> None:
    """The form for a diagnosis asks for one of the two rights; this keeps the other one implied."""
    for permissions in PERMISSIONS.values():
        assert P.RECORD_SERVICES not in permissions or P.SEE_DIAGNOSES in permissions


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_its_permissions_say_and_nothing_else(desk: Desk, role: Role, caplog: Any) -> None:
    browser = desk.browser(role)
    # A clinician sees only such work as they asked for themselves.
    type(desk.work).objects.filter(pk=desk.work.pk).update(requested_by=desk.members[role].user_id)
    for name, permission in NEEDS.items():
        caplog.clear()
        method = browser.post if name in POST_ONLY else browser.get
        answer = method(address(name, desk), {"practice": desk.practice.slug} if name == "switch" else {})
        is_refused = role is Role.CLINICIAN and name in OF_WHOLE_PRACTICE
        if permission in PERMISSIONS[role] and not is_refused:
            assert answer.status_code == (302 if name in POST_ONLY else 200), (role, name)
        else:
            assert answer.status_code == 404, (role, name)
            assert "access refused" in caplog.text, (role, name)


@pytest.mark.parametrize("role", list(Role))
def test_no_role_sees_a_card_with_nothing_in_it(desk: Desk, role: Role) -> None:
    browser = desk.browser(role)
    for name in NAMES.keys() - POST_ONLY:
        answer = browser.get(address(name, desk))
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            assert EMPTY_CARD.findall(answer.content.decode()) == [], (role, name)


@pytest.mark.parametrize("role", list(Role))
def test_a_refused_post_changes_nothing(desk: Desk, role: Role) -> None:
    browser = desk.browser(role)
    before = AuditEvent.objects.count()
    for name, permission in NEEDS.items():
        if permission not in PERMISSIONS[role]:
            body = {
                "allowed": "no",
                "reason": "because",
                "step": "refund",
                "amount": "1.00",
                "service": desk.waiting.id,
            }
            assert browser.post(address(name, desk), body).status_code in (404, 405), (role, name)
    assert AuditEvent.objects.count() == before


def test_ids_of_another_practice_are_not_found(desk: Desk, caplog: Any) -> None:
    there = make_desk()
    browser = desk.browser()
    for name, pattern in NAMES.items():
        if not pattern.pattern.converters or name in NAMES_NO_ROW:
            continue
        for method in (browser.get, browser.post):
            caplog.clear()
            answer = method(address(name, there), {"reason": "because", "allowed": "no"})
            assert answer.status_code in (404, 405), name
            assert answer.status_code == 405 or "access refused" in caplog.text, name


def test_own_client_with_another_practices_grant_or_contact_is_not_found(desk: Desk) -> None:
    there = make_desk()
    browser = desk.browser()
    assert browser.post(address("invite", desk, contact_id=there.contact.id)).status_code == 404
    assert browser.post(address("grant_end", desk, grant_id=there.grant.id)).status_code == 404


def test_a_clinician_sees_own_clients_only(desk: Desk) -> None:
    other = make_client(desk.practice, legal_first_name="Piet", legal_last_name="Fremd")
    browser = desk.browser(Role.CLINICIAN)
    assert b"Piet" not in browser.get(reverse("desk:clients")).content
    assert b"Ana Duarte" in browser.get(reverse("desk:clients")).content
    for name in ("client", "client_services", "client_invoices", "client_people", "service_new"):
        assert browser.get(address(name, desk, client_id=other.id)).status_code == 404


def test_a_clinician_sees_no_invoice_payment_or_service_of_others(desk: Desk) -> None:
    type(desk.client).objects.filter(pk=desk.client.pk).update(clinician=None)
    browser = desk.browser(Role.CLINICIAN)
    for name in ("service", "invoice", "invoice_pdf", "payment", "receipt", "issued", "issued_pdf"):
        assert browser.get(address(name, desk)).status_code == 404, name
    for name in ("clients", "services", "invoices", "payments", "inbox"):
        content = browser.get(address(name, desk), {"show": "all"}).content.decode()
        assert "Duarte" not in content.replace("Ana Duarte and", ""), name


def test_the_front_desk_never_reads_a_diagnosis(desk: Desk) -> None:
    browser = desk.browser(Role.FRONT_DESK)
    for name in NAMES:
        if name in POST_ONLY:
            continue
        assert b"F41.1" not in b"".join(browser.get(address(name, desk))), name
    assert b"F41.1" in desk.browser().get(address("client_diagnoses", desk)).content


def test_a_read_only_role_finds_no_button_that_changes_anything(desk: Desk) -> None:
    browser = desk.browser(Role.READ_ONLY)
    for name, permission in NEEDS.items():
        if permission not in PERMISSIONS[Role.READ_ONLY] or name in POST_ONLY or "pdf" in name:
            continue
        content = b"".join(browser.get(address(name, desk))).decode(errors="replace")
        allowed = {"/account/logout/", "/desk/switch/", "/account/keep-alive/"}
        for form in content.split('method="post"')[1:]:
            assert any(one in form.split(">")[0] for one in allowed), (name, form[:120])


def test_nobody_signed_in_is_asked_to(client: Any, desk: Desk) -> None:
    answer = client.get(reverse("desk:inbox"))
    assert answer.status_code == 302
    assert "/account/login/" in answer["Location"]
