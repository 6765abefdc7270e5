"""One door each for the time, for randomness, for HTTP, for mail, and for calls of a processor."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from paywell.core.db import phase
from paywell.core.money import Money
from paywell.payments.processor_accounts import make_processor
from paywell.payments.tests.factories import World, make_world
from paywell.processors.contract import (
    CardFacts,
    ChargeOrder,
    Processor,
    RefundOrder,
    SavedCardFacts,
    Submission,
)
from paywell.processors.guard import CalledInTransaction

SOURCE = Path(__file__).resolve().parents[2] / "src" / "paywell"

#: What is called, by its full name or the beginning of it, and who may.
DOORS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "the time": (
        (
            "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
            "time.time", "time.time_ns", "django.utils.timezone.now", "django.utils.timezone.localdate",
            "django.utils.timezone.localtime",
        ),
        # Django writes the end of a session by its own clock; it is read by the same one.
        ("core/clock.py", "accounts/sessions.py"),
    ),
    "randomness": (
        (
            "uuid.uuid1", "uuid.uuid4", "uuid_utils.", "secrets.", "random.", "os.urandom",
            "django.utils.crypto.get_random_string",
        ),
        # The test processor is another party's server: its ids are not ours.
        ("core/ids.py", "processors/testbench/"),
    ),
    "outbound HTTP": (
        (
            "httpx.Client", "httpx.AsyncClient", "httpx.get", "httpx.post", "httpx.put", "httpx.request",
            "httpx.stream", "urllib.request.", "http.client.", "requests.", "socket.create_connection",
        ),
        ("core/http.py", "processors/testbench/"),
    ),
    "mail": (
        (
            "django.core.mail.send_mail", "django.core.mail.send_mass_mail", "django.core.mail.mail_admins",
            "django.core.mail.EmailMessage", "django.core.mail.EmailMultiAlternatives", "smtplib.",
        ),
        ("notifications/",),
    ),
}  # fmt: skip

#: The calls of the contract that leave for the processor.
LEAVING = {
    "open", "submit", "look_up", "cancel", "refund", "look_up_refund", "list_since", "list_cards", "forget_card",
    "check_setup",
}  # fmt: skip


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts):
            yield str(path.relative_to(SOURCE)), ast.parse(path.read_text())


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Each name that an import brings, and what it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                (n.asname or n.name.split(".")[0]): (n.name if n.asname else n.name.split(".")[0])
                for n in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {(n.asname or n.name): f"{node.module}.{n.name}" for n in node.names}
    return names


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """`datetime.datetime.now` for `datetime.now` after `from datetime import datetime`; empty for no import."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        inner = full_name(node.value, names)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported thing that a module names, called or handed on as it is (a default, a callback)."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            found = full_name(node, names)
            if found:
                yield node.lineno, found


def is_forbidden(name: str, forbidden: tuple[str, ...]) -> bool:
    return any(name == one or (one.endswith(".") and name.startswith(one)) for one in forbidden)


@pytest.mark.parametrize("door", DOORS)
def test_only_its_own_door_leads_to(door: str) -> None:
    forbidden, allowed = DOORS[door]
    found = [
        f"{module}:{line} {name}"
        for module, tree in modules()
        if not module.startswith(allowed)
        for line, name in uses(tree)
        if is_forbidden(name, forbidden)
    ]
    assert found == []


@pytest.mark.parametrize("door", DOORS)
def test_the_search_finds_what_it_looks_for(door: str) -> None:
    forbidden, allowed = DOORS[door]
    inside = [name for module, tree in modules() if module.startswith(allowed) for _, name in uses(tree)]
    assert any(is_forbidden(name, forbidden) for name in inside)


def is_transaction(node: ast.AST) -> bool:
    if not isinstance(node, ast.With):
        return False
    called = [ast.unparse(item.context_expr) for item in node.items]
    return any("phase(" in one or "atomic" in one for one in called)


def leaving_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls like `processor.look_up(order)` and `make_processor(account).look_up(order)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEAVING:
            whose = ast.unparse(node.func.value)
            if whose.endswith("processor") or "make_processor(" in whose:
                yield node


def test_no_call_of_a_processor_stands_inside_a_transaction() -> None:
    calls, inside = 0, []
    for module, tree in modules():
        if module.startswith("processors/"):
            continue
        calls += len(list(leaving_calls(tree)))
        blocks = [node for node in ast.walk(tree) if is_transaction(node)]
        decorated = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and any("atomic" in ast.unparse(d) for d in node.decorator_list)
        ]
        inside += [f"{module}:{call.lineno}" for block in (*blocks, *decorated) for call in leaving_calls(block)]
    assert inside == []
    assert calls > 10


def test_the_contract_has_no_other_call_that_leaves() -> None:
    stays = {"hosts", "fields", "read_notice"}
    methods = {name for name in vars(Processor) if not name.startswith("_") and callable(vars(Processor)[name])}
    assert methods == LEAVING | stays


ORDER = ChargeOrder(
    "REF", Money(100), "key-open", "key-submit", "https://a.example.org/", "https://a.example.org/", "L"
)
REFUND = RefundOrder("RREF", "key-refund", "ch_1", "REF", Money(100), True)
CALLS: dict[str, Callable[[Any, World], Any]] = {
    "open": lambda processor, world: processor.open(ORDER),
    "submit": lambda processor, world: processor.submit(ORDER, Submission()),
    "look_up": lambda processor, world: processor.look_up(ORDER),
    "cancel": lambda processor, world: processor.cancel(ORDER),
    "refund": lambda processor, world: processor.refund(REFUND),
    "look_up_refund": lambda processor, world: processor.look_up_refund(REFUND),
    "list_since": lambda processor, world: processor.list_since(world.practice.created_at),
    "list_cards": lambda processor, world: processor.list_cards("cus_1"),
    "forget_card": lambda processor, world: processor.forget_card(
        SavedCardFacts("card_1", "cus_1", CardFacts("visa", "4242"))
    ),
    "check_setup": lambda processor, world: processor.check_setup(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("call", sorted(LEAVING))
@pytest.mark.parametrize("connector", ["test_inline", "test_two_step"])
def test_f59_a_processor_that_is_called_in_a_transaction_refuses_before_anything_leaves(
    call: str, connector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    world.processor_account.connector = connector
    world.processor_account.settings = {"base_url": "http://127.0.0.1:9", "account": "acct_1"}
    world.processor_account.secrets = {"api_key": "k", "notice_secret": "s"}
    processor = make_processor(world.processor_account)
    monkeypatch.setattr("httpx.Client.send", lambda *a, **k: pytest.fail("a request left"))
    for block in (phase, transaction.atomic):
        with pytest.raises(CalledInTransaction), block():
            CALLS[call](processor, world)


def test_f75_money_goes_back_only_by_a_person_s_own_action() -> None:
    """One place calls `refund`, and it asks for a viewer who may: no job, no recovery and no sweep gives back."""
    calling = {
        module
        for module, tree in modules()
        if not module.startswith("processors/")
        for call in leaving_calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "refund"
    }
    assert calling == {"payments/refunds.py"}
    using = {
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "refund_payment" and isinstance(node.ctx, ast.Load)
    }
    assert using == {"desk/views/payments.py", "desk/views/inbox_acts.py", "demo/money.py"}
