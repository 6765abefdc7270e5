"""Who may open each address outside the desk: one table for the portal, pay links, signing in and machines.

The desk's own table stands in `desk/tests/test_roles.py`. An address that stands in neither fails here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.clients.models import Contact, Grant
from paywell.core import clock
from paywell.desk.tests.factories import Desk, add_payment, make_desk
from paywell.payments.models import Attempt
from paywell.payments.orders import sign_return
from paywell.payments.pay_links import make_token
from paywell.payments.tests.fake_processor import FakeProcessor
from tests.tampering.test_every_address import ADDRESSES, ids_of


class Needs(Enum):
    """What somebody needs so that an address lets them in."""

    NOTHING = "nothing: anybody, signed in or not"
    ADDRESS = "the address itself: it is signed, or its token is the key"
    HALFWAY = "to be in the middle of signing in; everybody else is led away"
    SIGN_IN = "to be signed in"
    GRANT = "a client's grant that is valid today"
    DOCUMENTS = "the rights to see documents and diagnoses"
    NOT_HERE = "something that nobody of these has: an invitation, a second factor, a practice's logo"


N = Needs
#: An address that is missing here fails the first test. What a right hides within a page, and what a
#: form without the right to pay refuses, is tried where the page is.
WHO: dict[str, Needs] = {
    "api:notices": N.NOTHING,  # signed by the processor; what is not is answered and dropped
    "api:health": N.NOTHING,
    "clients:start": N.SIGN_IN,
    "accounts:invitation_link": N.NOTHING,
    "accounts:invitation": N.NOT_HERE,
    "accounts:setup": N.NOT_HERE,  # closed for ever once there is a practice
    "accounts:setup_owner": N.NOT_HERE,
    "accounts:keep_alive": N.SIGN_IN,
    "accounts:second_factor_needed": N.SIGN_IN,
    "account_login": N.NOTHING,
    "account_inactive": N.NOTHING,
    "account_signup": N.NOTHING,  # says that it is by invitation only
    "account_reauthenticate": N.SIGN_IN,
    "account_email": N.SIGN_IN,
    "account_email_verification_sent": N.NOTHING,
    "account_change_password": N.SIGN_IN,
    "account_set_password": N.SIGN_IN,
    "account_reset_password": N.NOTHING,
    "account_confirm_login_code": N.HALFWAY,
    "account_confirm_email": N.NOTHING,
    "account_reset_password_from_key_done": N.NOTHING,
    "account_reset_password_from_key": N.NOTHING,
    "account_reset_password_done": N.NOTHING,
    "account_request_login_code": N.NOTHING,
    "mfa_index": N.SIGN_IN,
    "mfa_authenticate": N.HALFWAY,
    "mfa_reauthenticate": N.SIGN_IN,
    "mfa_activate_totp": N.SIGN_IN,
    "mfa_deactivate_totp": N.NOT_HERE,
    "mfa_view_recovery_codes": N.NOT_HERE,
    "mfa_generate_recovery_codes": N.SIGN_IN,
    "mfa_download_recovery_codes": N.NOT_HERE,
    "mfa_list_webauthn": N.SIGN_IN,
    "mfa_add_webauthn": N.SIGN_IN,
    "mfa_reauthenticate_webauthn": N.SIGN_IN,
    "mfa_remove_webauthn": N.SIGN_IN,
    "mfa_edit_webauthn": N.SIGN_IN,
    "mfa_login_webauthn": N.HALFWAY,
    "usersessions_list": N.SIGN_IN,
    "practice:logo": N.NOT_HERE,
    "portal:home": N.GRANT,
    "portal:switch": N.GRANT,
    "portal:pay": N.GRANT,
    "portal:pay_window": N.GRANT,
    "portal:pay_start": N.GRANT,
    "portal:why": N.GRANT,
    "portal:history": N.GRANT,
    "portal:history_csv": N.GRANT,
    "portal:payment": N.GRANT,
    "portal:payment_step": N.GRANT,
    "portal:payment_status": N.GRANT,
    "portal:payment_cancel": N.GRANT,
    "portal:receipt": N.GRANT,
    "portal:receipt_pdf": N.GRANT,
    "portal:return": N.ADDRESS,
    "portal:documents": N.GRANT,
    "portal:document_make": N.GRANT,
    "portal:issued": N.GRANT,
    "portal:issued_pdf": N.GRANT,
    "portal:invoice": N.GRANT,
    "portal:invoice_pdf": N.GRANT,
    "portal:superbill": N.DOCUMENTS,
    "portal:superbill_pdf": N.DOCUMENTS,
    "portal:autopay": N.GRANT,
    "portal:autopay_agree": N.GRANT,
    "portal:plan_accept": N.GRANT,
    "portal:autopay_hold": N.GRANT,
    "portal:autopay_end": N.GRANT,
    "portal:cards": N.GRANT,
    "portal:card_rename": N.GRANT,
    "portal:card_default": N.GRANT,
    "portal:card_remove": N.GRANT,
    "paylink:ask": N.NOTHING,
    "paylink:open": N.ADDRESS,
    "paylink:start": N.ADDRESS,
    "paylink:payment": N.ADDRESS,
    "paylink:payment_step": N.ADDRESS,
    "paylink:payment_status": N.ADDRESS,
    "paylink:payment_cancel": N.ADDRESS,
    "paylink:receipt_pdf": N.ADDRESS,
    "account_logout": N.SIGN_IN,  # the last, since it ends the session
}
_SIGNED_IN = {N.NOTHING, N.ADDRESS, N.SIGN_IN}
#: Every kind of caller, and what they have.
CALLERS: dict[str, set[Needs]] = {
    "nobody signed in": {N.NOTHING, N.ADDRESS},
    "client without rights": _SIGNED_IN | {N.GRANT},
    "client who may pay": _SIGNED_IN | {N.GRANT},
    "client who may see documents": _SIGNED_IN | {N.GRANT},
    "client who may see diagnoses": _SIGNED_IN | {N.GRANT, N.DOCUMENTS},
    "client whose access has ended": _SIGNED_IN,
    **{f"staff: {role.value}": _SIGNED_IN for role in Role},
}


def make_browser(desk: Desk, caller: str) -> Browser:
    if caller.startswith("staff: "):
        return desk.browser(Role(caller.removeprefix("staff: ")))
    browser = Browser()
    if caller == "nobody signed in":
        return browser
    user = make_user()
    Contact.objects.filter(pk=desk.contact.pk).update(user=user)
    Grant.objects.filter(pk=desk.grant.pk).update(
        may_pay=caller.endswith("may pay"),
        may_see_documents=caller.endswith(("documents", "diagnoses")),
        may_see_diagnosis=caller.endswith("diagnoses"),
        withdrawn_at=clock.now() if caller.endswith("ended") else None,
    )
    browser.force_login(user)
    return browser


def make_ids(desk: Desk) -> dict[str, dict[str, Any]]:
    """By the first part of an address's name: good ids, and good keys where the address is the key."""
    by_link = add_payment(desk.unpaid, desk.contact, desk.processor_account, 100)
    Attempt.objects.filter(pk=by_link.pk).update(pay_link=desk.pay_link, channel="link", contact=None)
    token = make_token(desk.pay_link)
    return {
        "portal": ids_of(desk, "portal:") | {"signature": sign_return(desk.attempt)},
        "paylink": ids_of(desk, "paylink:") | {"token": token, "attempt_id": by_link.id},
        "": ids_of(desk, ""),
    }


def is_let_in(answer: Any) -> bool:
    is_sent_to_sign_in = answer.status_code == 302 and reverse("account_login") in answer["Location"]
    return answer.status_code not in (401, 403, 404) and not is_sent_to_sign_in


def test_every_address_is_listed() -> None:
    assert set(WHO) == {name for name in ADDRESSES if not name.startswith("desk:")}


@pytest.mark.parametrize("caller", list(CALLERS))
def test_a_caller_opens_what_they_have_the_right_to_and_nothing_else(
    db: None, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.payments.processor_accounts.make_processor", lambda account: FakeProcessor())
    desk = make_desk()
    ids, browser = make_ids(desk), make_browser(desk, caller)
    for name, needs in WHO.items():
        path = ADDRESSES[name].path(ids.get(name.partition(":")[0], ids[""]))
        answers = [browser.get(path)]
        if answers[0].status_code == 405 or (needs not in CALLERS[caller] and needs is not N.HALFWAY):
            answers.append(browser.post(path, {"account": desk.client.default_account_id}))
        answers = [answer for answer in answers if answer.status_code != 405]
        said = (caller, name, needs.value, [answer.status_code for answer in answers])
        assert answers, said
        assert all(answer.status_code < 500 for answer in answers), said
        if needs is N.HALFWAY:
            assert [answer.status_code for answer in answers] == [302], said
        elif needs in CALLERS[caller]:
            assert is_let_in(answers[0]), said
        else:
            assert not any(is_let_in(answer) for answer in answers), said


def test_a_key_that_is_not_good_opens_nothing(db: None) -> None:
    desk = make_desk()
    ids = make_ids(desk)
    for name in (name for name, needs in WHO.items() if needs is N.ADDRESS):
        good = ids[name.partition(":")[0]]
        bad = good | {"token": good["token"][:-2] + "xx", "signature": "x"}
        for method in (Browser().get, Browser().post):
            answer = method(ADDRESSES[name].path(bad))
            assert answer.status_code in (404, 405), (name, answer.status_code)
