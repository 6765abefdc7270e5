"""What leaves for the processor: amount, currency, references, a discreet label, addresses to come back to."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote_plus

from paywell.core.ids import new_reference
from tests.contract import rig as cards
from tests.contract.rig import Rig, TestbenchRig, new_refund

ALLOWED = {
    "style", "reference", "amount", "currency", "label", "return_url", "cancel_url", "customer", "payer",
    "memo",  # all of these when it is opened
    "token", "saved_card", "save",  # commit
    "charge",  # refund
    "notice_url", "notice_secret", "portal_origin",  # check_setup
}  # fmt: skip


def walk_through(rig: Rig) -> None:
    rig.turn_notices_on()
    payer = new_reference()
    order = rig.opened(payer_reference=payer)
    saved = rig.pay(order, save=True).saved_card
    assert saved is not None
    again = rig.opened(customer_ref=saved.customer_ref)
    rig.pay_saved(again, saved.token)
    rig.pay(rig.opened(), cards.DECLINED)
    rig.processor.look_up(replace(order, processor_ref=""))
    refund = new_refund(order, 100)
    rig.processor.refund(refund)
    rig.processor.look_up_refund(refund)
    list(rig.processor.list_since(rig.processor.look_up(order).at))
    rig.processor.list_cards(saved.customer_ref)
    rig.processor.forget_card(saved)
    rig.processor.cancel(rig.opened())


def test_nothing_but_the_agreed_keys_is_sent(bench: TestbenchRig) -> None:
    """The test processor's; each real one has such a test in its own file, by its own words."""
    walk_through(bench)
    sent = bench.sent()
    assert len(sent) >= 12
    assert {key for each in sent for key in each.json()} <= ALLOWED


def test_no_card_number_and_no_address_of_a_person_is_sent(rig: Rig) -> None:
    walk_through(rig)
    assert len(rig.sent()) >= 9
    for each in rig.sent():
        text = unquote_plus(f"{each.body.decode()} {each.path} {each.query}")
        assert "@" not in text
        assert not re.search(r"(?<![0-9A-Za-z])[0-9]{13,19}(?![0-9A-Za-z])", text)


def test_no_secret_stands_in_an_address(rig: Rig) -> None:
    walk_through(rig)
    for each in rig.sent():
        for secret in rig.secrets.values():
            assert secret not in each.path + each.query


def test_every_change_carries_its_key_and_no_read_does(bench: TestbenchRig) -> None:
    walk_through(bench)
    for each in bench.sent():
        changes = each.method == "POST" and each.path != "/v1/charges/cancel"  # a fence is safe to repeat by nature
        assert ("HTTP_IDEMPOTENCY_KEY" in each.headers) is changes, each


def test_a_key_is_never_used_for_two_things(bench: TestbenchRig) -> None:
    walk_through(bench)
    contents: dict[str, set[tuple[str, bytes]]] = {}
    for each in bench.sent():
        if "HTTP_IDEMPOTENCY_KEY" in each.headers:
            contents.setdefault(each.headers["HTTP_IDEMPOTENCY_KEY"], set()).add((each.path, each.body))
    assert contents
    assert {len(each) for each in contents.values()} == {1}
