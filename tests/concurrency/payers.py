"""Twenty people who pay one service after the other by HTTP, and the practice that they pay."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any

from bench.load import Client, hidden

PAYERS = 20
PAID, DECLINED, LATE, LOST = "4242424242424242", "4000000000000002", "4242000000000018", "4242000000000026"


class Payer(threading.Thread):
    """Pays one service after the other, with all servers; sends a form again that got no answer, or does not.

    `ports`: of the servers, and may change meanwhile; `fields`: of the processor. Begins a payment every `every_s`
    seconds, or at once after the last.
    """

    def __init__(
        self,
        person: dict[str, Any],
        ports: list[int],
        fields: int,
        over: threading.Event,
        seed: int,
        *,
        cards: Sequence[str] = (*[PAID] * 8, LATE, LOST),
        every_s: float = 0.0,
    ) -> None:
        super().__init__(daemon=True)
        self.person, self.ports, self.fields, self.over = person, ports, fields, over
        self.cards, self.every_s = cards, every_s
        self.dice = random.Random(seed)
        self.client = Client(ports[0], {"sessionid": person["session"]})
        self.seen: Counter[str] = Counter()
        #: Of each request: when it was sent, what was asked for, and the seconds until its answer or its end.
        self.times: list[tuple[float, str, float]] = []

    def run(self) -> None:
        began = time.monotonic() + self.dice.uniform(0, self.every_s)
        for number, line in enumerate(self.person["lines"]):
            if self.over.wait(max(0.0, began + number * self.every_s - time.monotonic())):
                return
            while not self.over.is_set():
                try:
                    self.pay(line, number)
                    break
                except LookupError:  # no form: it is paid, or being paid
                    break
                except (OSError, HTTPException, ValueError):
                    self.seen["no answer"] += 1
                    time.sleep(self.dice.uniform(0.1, 0.6))

    def pay(self, line: str, number: int) -> None:
        window = self.ask("GET", f"/portal/pay/window/?line={line}")
        form = [(name, hidden(window.body, name)) for name in ("csrfmiddlewaretoken", "form")]
        form += [("line", line), ("amount", "140.00"), ("card", "new"), ("notes", "")]
        tries = 2 if self.dice.random() < 0.6 else 1
        for attempt in range(tries):
            try:
                sent = self.ask("POST", "/portal/pay/start/", [*form, ("card_token", self.make_token(number))])
                break
            except (OSError, HTTPException):
                self.seen["no answer"] += 1
                if attempt == tries - 1:
                    return
                time.sleep(self.dice.uniform(0.0, 1.0))
        if sent.location:
            self.ask("GET", sent.location)

    def ask(self, method: str, path: str, form: list[tuple[str, str]] | None = None) -> Any:
        port = self.dice.choice(self.ports)
        if port != self.client.port or self.dice.random() < 0.3:
            self.client.port, self.client.connection = port, None
        sent = time.monotonic()
        try:
            answer = self.client.request(method, path, form)
        except BaseException:
            self.client.connection = None
            raise
        finally:
            self.times.append((sent, f"{method} {path.partition('?')[0]}", time.monotonic() - sent))
        self.seen[str(answer.status)] += 1
        return answer

    def make_token(self, number: int) -> str:
        card = DECLINED if number == 1 and self.person["number"] < 8 else self.dice.choice(self.cards)
        body = json.dumps(
            {"account": self.person["account"], "number": card, "exp": "12/40", "cvc": "123", "zip": "80401"}
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.fields, timeout=30)
        origin = f"http://127.0.0.1:{self.fields}"
        connection.request("POST", "/fields/tokens/", body, {"Content-Type": "application/json", "Origin": origin})
        return str(json.loads(connection.getresponse().read())["token"])


def seed_world(processor_url: str, kills: int) -> list[dict[str, Any]]:
    """In a process of its own: one practice, twenty people, each with an account and many services to pay."""
    from datetime import date, timedelta

    from bench.seed import make_session
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from paywell.accounts.models import User
    from paywell.care.models import Service
    from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
    from paywell.core import clock
    from paywell.core.ids import new_key
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.models import InvoiceLine
    from paywell.payments.tests.factories import make_world

    call_command("migrate", verbosity=0)
    world, now = make_world(), clock.now()
    account = world.processor_account
    account.settings = {"base_url": processor_url, "account": f"acct_{new_key()[:12]}"}
    account.secrets = {"api_key": new_key(), "notice_secret": new_key()}
    account.swept_until = now
    account.save()
    people = []
    for number in range(PAYERS):
        user = User.objects.create_user(f"payer{number}@example.org")
        owes = BillingAccount.objects.create(practice=world.practice, name=f"Payer {number}", created_at=now)
        client = Client.objects.create(
            practice=world.practice, legal_first_name="P", legal_last_name=str(number), default_account=owes,
            created_at=now,
        )  # fmt: skip
        contact = Contact.objects.create(practice=world.practice, name=f"Payer {number}", user=user, created_at=now)
        Grant.objects.create(
            practice=world.practice, contact=contact, client=client, account=owes, role=GrantRole.SELF,
            valid_from=date(2020, 1, 1), created_at=now,
        )  # fmt: skip
        services = Service.objects.bulk_create(
            Service(
                practice=world.practice, client=client, clinician=world.clinician,
                on=clock.business_date(now, world.practice.timezone) - timedelta(days=1 + n % 700),
                wording="Session", code="IND50", fee_minor=14000, recorded_at=now,
            )
            for n in range(60 + 3 * kills)  # some sixteen payments between two kills, of all payers together
        )  # fmt: skip
        for start in range(0, len(services), 500):
            part = services[start : start + 500]
            issue_invoice(practice=world.practice, account=owes, services=part, actor_id=None)
        lines = [str(line.id) for line in InvoiceLine.objects.filter(practice=world.practice, account=owes)]
        person = {"number": number, "session": make_session(SessionStore(), user), "lines": lines}
        people.append(person | {"account": account.settings["account"]})
    return people
