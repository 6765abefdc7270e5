"""Fills the bare site: as many signed-in people as the load has connections. Prints their sessions as JSON."""

from __future__ import annotations

import json
import sys

import django


def main() -> None:
    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from bench.bare.models import Item, Purse

    call_command("migrate", verbosity=0)  # first: the bare tables, which have no migrations, refer to the users'
    call_command("migrate", verbosity=0, run_syncdb=True)
    sessions = []
    for number in range(int(sys.argv[1])):
        user = User.objects.create_user(f"person{number}")
        Purse.objects.create(owner=user)
        Item.objects.bulk_create(Item(owner=user, name=f"Item {n}", amount_minor=14000) for n in range(1000))
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
        sessions.append(store.session_key)
    print(json.dumps(sessions))


if __name__ == "__main__":
    main()
