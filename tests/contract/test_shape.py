"""The shape of a connector, and the guard around it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from paywell.core import db
from paywell.processors import registry
from paywell.processors.contract import Capability, Connection, Processor, Style, Submission
from paywell.processors.guard import CalledInTransaction, Guarded
from tests.contract.rig import Rig, TestbenchRig, new_order, new_refund


def test_the_registry_gives_a_guarded_processor_of_the_right_style(rig: Rig) -> None:
    assert isinstance(rig.processor, Guarded)
    assert isinstance(rig.processor, Processor)
    connector = registry.CONNECTORS[rig.name]
    assert (rig.processor.name, rig.processor.style) == (connector.name, connector.style)
    assert connector.tells_fees == (Capability.FEES in rig.processor.capabilities)
    assert rig.processor.is_test  # a connection in test mode, to a processor of either kind


def test_fields_are_there_for_one_screen_only_and_hosts_name_one_origin(bench: TestbenchRig) -> None:
    fields, hosts = bench.processor.fields(), bench.processor.hosts()
    assert hosts.form_action == (bench.base_url,)
    assert (hosts.script_src, hosts.connect_src) == ((), ())
    if bench.processor.style is Style.TWO_STEP:
        assert fields is None
        assert hosts.frame_src == ()
    else:
        assert fields is not None
        assert fields.config["origin"] == bench.base_url
        assert hosts.frame_src == (bench.base_url,)
        parts = urlsplit(fields.config["frame_url"])
        assert f"{parts.scheme}://{parts.netloc}" == fields.config["origin"]
        assert parse_qs(parts.query) == {"account": [bench.account]}


def test_the_portal_s_origin_may_be_settled_in_the_settings(inline: TestbenchRig) -> None:
    fields = inline.connected(portal_origin="https://portal.example.org").fields()
    assert fields is not None
    assert parse_qs(urlsplit(fields.config["frame_url"]).query)["parent"] == ["https://portal.example.org"]


@pytest.mark.django_db(transaction=True)
def test_no_call_is_made_inside_a_transaction(rig: Rig) -> None:
    order = rig.paid()
    saved = rig.pay(rig.opened(), save=True).saved_card
    assert saved is not None
    since = rig.processor.look_up(order).at
    assert since is not None
    before = len(rig.sent())
    listed = rig.processor.list_since(since)
    calls = [
        lambda: rig.processor.check_setup(),
        lambda: rig.processor.open(new_order()),
        lambda: rig.processor.submit(order, Submission()),
        lambda: rig.processor.look_up(order),
        lambda: rig.processor.cancel(order),
        lambda: rig.processor.refund(new_refund(order, 100)),
        lambda: rig.processor.look_up_refund(new_refund(order, 100)),
        lambda: rig.processor.list_since(since),
        lambda: next(iter(listed)),
        lambda: rig.processor.list_deposits(since),  # type: ignore[attr-defined]
        lambda: rig.processor.list_deposit_parts("po_1"),  # type: ignore[attr-defined]
        lambda: rig.processor.list_cards(saved.customer_ref),
        lambda: rig.processor.forget_card(saved),
    ]
    for call in calls:
        with pytest.raises(CalledInTransaction), db.phase():
            call()
    assert len(rig.sent()) == before


def test_secrets_do_not_show_when_a_connection_is_printed() -> None:
    connection = Connection({"base_url": "http://127.0.0.1:1", "account": "acct_1"}, {"api_key": "hush"}, False)
    assert "hush" not in repr(connection)
    assert "hush" not in repr(registry.connect("test_inline", connection))


def test_a_test_processor_refuses_live_mode(bench: TestbenchRig) -> None:
    live = registry.connect(bench.name, Connection(bench.settings, bench.secrets, True))
    assert live.check_setup() == ["A test processor can't be connected in live mode."]
