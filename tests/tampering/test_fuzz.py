"""Notices and pay forms, forged at random: none is believed. `PAYWELL_FUZZ=10000` is the size before a release.

`PAYWELL_FUZZ_SEED` plays the same ones again; without it, each run forges others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.books.check import check_books
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.ledger.queries import get_line_balances
from paywell.payments.models import Attempt, AttemptLine, AttemptState, ProcessorAccount, StoredNotice
from paywell.payments.notices import receive_notice
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import BadNotice, RawNotice
from tests.tampering.conftest import Payer, make_neighbor

TIMES = int(os.environ.get("PAYWELL_FUZZ", "300"))
#: A form takes a hundred times as long as a notice.
FORMS = int(os.environ.get("PAYWELL_FUZZ_FORMS") or os.environ.get("PAYWELL_FUZZ", "100"))
SEED = int(os.environ.get("PAYWELL_FUZZ_SEED") or random.SystemRandom().randrange(10**9))
SECRET = "whsec_of_this_account"


@pytest.fixture
def dice() -> random.Random:
    print(f"PAYWELL_FUZZ_SEED={SEED}")
    return random.Random(SEED)


# Notices.


def genuine(account: ProcessorAccount, dice: random.Random, **changes: Any) -> tuple[bytes, str, int]:
    """Body, secret and moment of a notice that would be believed."""
    data = {"charge": f"ch_{dice.randrange(10**6)}", "reference": "A" * 20}
    body = {"id": f"evt_{dice.randrange(10**12)}", "type": "charge.succeeded", "live_mode": False, "data": data}
    return json.dumps(body | changes).encode(), SECRET, int(clock.now().timestamp())


def sign(body: bytes, secret: str, sent_at: int) -> str:
    signed = hmac.new(secret.encode(), str(sent_at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={sent_at},v1={signed}"


def flip(text: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(text))
    return text[:place] + bytes([text[place] ^ (1 << dice.randrange(7))]) + text[place + 1 :]


def forge(account: ProcessorAccount, dice: random.Random) -> tuple[bytes, dict[str, str], str]:
    """One notice that must not be believed, and how it was made."""
    body, secret, sent_at = genuine(account, dice)
    how = dice.choice(
        [
            "body",
            "signature",
            "old",
            "ahead",
            "secret",
            "no secret",
            "other mode",
            "no header",
            "rubbish",
            "cut",
            "moved",
        ]
    )
    header = sign(body, secret, sent_at)
    if how == "body":
        body = flip(body, dice)
    elif how == "signature":
        place = dice.randrange(header.index("v1=") + 3, len(header))
        header = header[:place] + dice.choice("ghxyz-") + header[place + 1 :]
    elif how == "old":
        header = sign(body, secret, sent_at - dice.randrange(302, 10**7))
    elif how == "ahead":
        header = sign(body, secret, sent_at + dice.randrange(302, 10**7))
    elif how == "secret":
        header = sign(body, flip(secret.encode(), dice).decode("latin-1"), sent_at)
    elif how == "no secret":
        header = sign(body, "", sent_at)
    elif how == "other mode":
        body, secret, sent_at = genuine(account, dice, live_mode=True)
        header = sign(body, secret, sent_at)
    elif how == "no header":
        return body, {}, how
    elif how == "rubbish":
        header = "".join(dice.choice("tv1=,.0123456789abc \t") for _ in range(dice.randrange(80)))
    elif how == "cut":
        header = header[: dice.randrange(len(header))]
    else:  # a signature of another body, with this one's moment
        header = sign(genuine(account, dice)[0], secret, sent_at)
    return body, {"Test-Signature": header}, how


@pytest.fixture
def account(db: None) -> ProcessorAccount:
    account = make_world().processor_account
    account.settings = {"base_url": "http://127.0.0.1:9", "account": "acct_1"}
    account.secrets = {"api_key": "key_1", "notice_secret": SECRET}
    account.save()
    return account


def test_f17_f19_f55_no_forged_notice_is_believed(account: ProcessorAccount, dice: random.Random) -> None:
    believed: Counter[str] = Counter()
    for _ in range(TIMES):
        body, headers, how = forge(account, dice)
        try:
            receive_notice(account=account, notice=RawNotice(body, headers, "https://a.example.org/", clock.now()))
            believed[how] += 1
        except BadNotice:
            pass
    assert believed == {}
    assert not StoredNotice.objects.exists()


def test_f17_with_an_empty_secret_nothing_at_all_is_believed(
    account: ProcessorAccount, dice: random.Random
) -> None:
    account.secrets = {"api_key": "key_1", "notice_secret": "", "previous_notice_secret": ""}
    account.save()
    for _ in range(TIMES // 3):
        body, _, sent_at = genuine(account, dice)
        header = sign(body, dice.choice(["", "0", "None", "null", SECRET, "key_1"]), sent_at)
        with pytest.raises(BadNotice):
            receive_notice(
                account=account, notice=RawNotice(body, {"Test-Signature": header}, "https://a/", clock.now())
            )
    assert not StoredNotice.objects.exists()


def test_f18_a_replayed_notice_is_stored_once(account: ProcessorAccount, dice: random.Random) -> None:
    body, secret, sent_at = genuine(account, dice)
    header = sign(body, secret, sent_at)
    stored = 0
    for _ in range(TIMES // 3):
        at = clock.now() + timedelta(seconds=dice.randrange(-200, 200))
        notice = RawNotice(body, {"Test-Signature": header}, "https://a.example.org/", at)
        stored += len(receive_notice(account=account, notice=notice))
    assert stored == StoredNotice.objects.count() == 1


def test_f17_the_address_itself_answers_400_and_never_an_error(
    account: ProcessorAccount, dice: random.Random
) -> None:
    browser, url = Browser(), reverse("api:notices", args=[account.id])
    answers: Counter[int] = Counter()
    for _ in range(TIMES // 3):
        body, headers, _ = forge(account, dice)
        answers[browser.post(url, data=body, content_type="application/json", headers=headers).status_code] += 1
    assert set(answers) == {400}


# Pay forms.

AMOUNTS = (
    "-1.00", "-0.01", "0", "0.00", "", " ", "NaN", "nan", "inf", "-inf", "1e9", "1e-9", "999999999999.99", "0x10",
    "1,2,3", "12.345", "١٢", "１２", "+5", "5.", ".5", "1_000", "$", "$-5", "5 000,00", "120.01", "119.99", "60",
    "\x00",
    "1;DROP", "1/2", "True", "[]", "12000", "1.0.0",
)  # fmt: skip


def tamper(form: dict[str, Any], dice: random.Random, mine: list[str], others: list[str], forms: list[str]) -> None:
    """Change a genuine form in one to three places, as somebody would who wants to pay less, or for another."""
    changes: list[Callable[[], Any]] = [
        lambda: form.update(amount=dice.choice(AMOUNTS)),
        lambda: form.update(amount=str(dice.randrange(-(10**6), 10**6) / 100)),
        lambda: form.update(amount=[dice.choice(AMOUNTS), "0.01"]),
        lambda: form.update(line=[dice.choice(others)]),
        lambda: form.update(line=[*form["line"], dice.choice(others)]),
        lambda: form.update(line=[str(new_id())]),
        lambda: form.update(line=[dice.choice(["", "1", "*", "' OR 1=1", "../", "x" * 500])]),
        lambda: form.update(line=form["line"] * dice.randrange(2, 5)),
        lambda: form.update(line=[]),
        lambda: form.update(form=dice.choice(forms)),
        lambda: form.update(form=flip(form["form"].encode() or b"x", dice).decode("latin-1")),
        lambda: form.update(form=""),
        lambda: form.update(card=dice.choice([str(new_id()), "", "new", "x", "null"])),
        lambda: form.update(card_token=dice.choice(["", "tok" * 200, "\x00"])),
        lambda: form.update({f"amount_{dice.choice(mine)}": "0.01", "total": "0.01", "amount_minor": "1"}),
        lambda: form.update(currency=dice.choice(["JPY", "EUR", ""]), state="succeeded", practice=str(new_id())),
        lambda: form.update(notes=dice.choice(["x" * 501, "<script>", "\x00\x01", "=1+1"])),
        lambda: form.update(save_card="on", consent_version=dice.choice(["", "9999", "x"])),
        lambda: form.update(account=str(new_id()), contact=str(new_id()), price="1"),
    ]
    for change in dice.sample(changes, dice.randrange(1, 4)):
        change()


def test_f14_f15_no_tampered_form_pays_less_or_for_somebody_else(
    world: World, processor: FakeProcessor, payer: Payer, dice: random.Random
) -> None:
    neighbor, elsewhere = make_neighbor(world), make_world("Hillside")
    others = [str(make_line(neighbor, 9000).id), str(make_line(elsewhere, 9000).id)]
    stolen = Payer(neighbor.user).open_window(*[make_line(neighbor)])["form"]
    kept: dict[str, int] = {}
    forms = [stolen]
    answers: Counter[int] = Counter()
    world.invoices = 10_000  # beyond the neighbor's numbers, however many forms there are
    lines = [make_line(world) for _ in range(3)]
    for _ in range(FORMS):
        owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id for line in lines])
        lines = [line for line in lines if owed[line.id] > 0]
        while len(lines) < 3:
            lines.append(make_line(world))
        owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id for line in lines])
        form = payer.open_window(*dice.sample(lines, dice.randrange(1, 4)))
        forms.append(form["form"])
        tamper(form, dice, [str(line.id) for line in lines], others, forms)
        answers[payer.browser.post(reverse("portal:pay_start"), form).status_code] += 1
        for attempt in Attempt.objects.order_by("-created_at", "-id")[:2]:
            if str(attempt.id) not in kept:
                assert_fair(attempt, world, owed, form)
                kept[str(attempt.id)] = attempt.captured_minor
    assert set(answers) <= {302, 303, 404, 422, 400}, answers
    assert processor.taken == sum(kept.values())
    assert len(kept) == Attempt.objects.count()
    assert not AttemptLine.objects.filter(line_id__in=others).exists()
    assert [each for each in check_books().offences if each.law not in (5, 6)] == []


def assert_fair(attempt: Attempt, world: World, owed: dict[Any, int], form: dict[str, Any]) -> None:
    """What the changed form paid is what an honest one could have paid."""
    assert (attempt.account_id, attempt.contact_id, attempt.currency) == (world.account.id, world.contact.id, "USD")
    parts = list(attempt.lines.values_list("line_id", "amount_minor"))
    assert {line_id for line_id, _ in parts} <= set(owed), form
    assert attempt.amount_minor == sum(minor for _, minor in parts) > 0
    if len(parts) > 1:
        assert all(minor == owed[line_id] for line_id, minor in parts), form
    else:
        assert 0 < parts[0][1] <= owed[parts[0][0]], form
    if attempt.state == AttemptState.SUCCEEDED:
        assert attempt.captured_minor == attempt.amount_minor


def test_the_honest_form_still_pays(world: World, processor: FakeProcessor, payer: Payer) -> None:
    attempt = payer.pay(make_line(world))
    assert_fair(attempt, replace(world), {attempt.lines.get().line_id: 12000}, {})
    assert processor.taken == 12000
