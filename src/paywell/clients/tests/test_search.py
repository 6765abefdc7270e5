"""Clients are found by the beginnings of words, from an index that their own transaction keeps."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_practice
from paywell.accounts.types import StaffViewer
from paywell.clients.actions import change_client, create_billing_account
from paywell.clients.billing_accounts import change_billing_account
from paywell.clients.models import AccountWord, SearchWord
from paywell.clients.queries import list_clients
from paywell.clients.search import find_accounts_called
from paywell.clients.tests.factories import make_client
from paywell.core.ids import new_id
from paywell.practice.models import Practice


def look(practice: Practice, text: str) -> list[str]:
    viewer = StaffViewer(new_id(), practice, Role.OWNER)
    return [client.legal_first_name for client in list_clients(viewer=viewer, search=text)]


@pytest.fixture
def practice(db: None) -> Practice:
    made = make_practice()
    make_client(
        made, legal_first_name="Zo\u00eb", legal_last_name="O'Brien-Hart", preferred_name="Zed Hart",
        email="zoe.hart@example.org", phone="+13035550142", external_id="C-1042",
    )  # fmt: skip
    make_client(made, legal_first_name="Bo", legal_last_name="Zoellner", email="bo@example.org")
    make_client(make_practice(), legal_first_name="Zoe", legal_last_name="Elsewhere")
    return made


@pytest.mark.parametrize(
    "text",
    [
        "zo\u00eb", "ZOE", "zo hart", "hart o'b", "obrien", "obrienhart", "zed", "zoe.hart@example.org", "zoehart",
        "c-1042", "C1042", "303-555-0142", "(303) 555 0142", "+1 303 555 0142", "5550142", "0142", "3035550142",
    ],
)  # fmt: skip
def test_every_way_to_write_it_finds_the_client(practice: Practice, text: str) -> None:
    assert "Zo\u00eb" in look(practice, text)


@pytest.mark.parametrize("text", ["--", "' OR 1=1 --", "rien", "zoe bo x", "%", "_", "hart%", "Elsewhere"])
def test_what_begins_no_word_finds_nobody(practice: Practice, text: str) -> None:
    found = look(practice, text)
    assert found == (["Zo\u00eb"] if text == "hart%" else [])


def test_a_changed_name_is_found_and_the_old_one_is_not(practice: Practice) -> None:
    client = make_client(practice, legal_first_name="Ivo", legal_last_name="Gant")
    with transaction.atomic():
        change_client(client=client, legal_last_name="Nadir", actor_id=None)
        transaction.set_rollback(True)
    client.refresh_from_db()
    assert (look(practice, "gant"), look(practice, "nadir")) == (["Ivo"], [])
    change_client(client=client, legal_last_name="Nadir", actor_id=None)
    assert (look(practice, "gant"), look(practice, "nadir")) == ([], ["Ivo"])


def test_the_words_can_be_made_anew(practice: Practice) -> None:
    before = set(SearchWord.objects.values_list("client", "word"))
    SearchWord.objects.all().delete()
    call_command("rebuild_search", verbosity=0)
    assert set(SearchWord.objects.values_list("client", "word")) == before


def test_a_search_is_one_query_that_reads_the_index_of_words(practice: Practice) -> None:
    viewer = StaffViewer(new_id(), practice, Role.OWNER)
    with CaptureQueriesContext(connection) as found:
        assert len(list(list_clients(viewer=viewer, search="zo hart"))) == 1
    assert len(found) == 1
    if connection.vendor == "sqlite":
        plan = list_clients(viewer=viewer, search="zo hart").explain()
        assert plan.count("search_word_begins (practice_id=? AND word>? AND word<?)") == 2, plan


def test_behind_the_wall_of_postgresql_the_index_of_words_answers_too(practice: Practice) -> None:
    """LIKE may look at no row before the wall did, and then no index by pattern is used."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such wall.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    rows = list_clients(viewer=StaffViewer(new_id(), practice, Role.OWNER), search="zo")
    plan = rows.explain()
    assert "(word ~>=~" in plan.replace("(word)::text", "word"), plan
    assert "~~" not in plan


def test_a_renamed_account_is_found_by_its_new_name_alone(practice: Practice) -> None:
    account = create_billing_account(practice=practice, name="Xi\u00e9 O'Quill-Moor", actor_id=None)
    assert [list(find_accounts_called(practice.id, word)) for word in ("xie", "oqu", "o'q", "MOOR", "uill")] == [
        [account.id], [account.id], [account.id], [account.id], []
    ]  # fmt: skip
    with transaction.atomic():
        change_billing_account(account=account, name="Gant", actor_id=None)
        transaction.set_rollback(True)
    assert list(find_accounts_called(practice.id, "gant")) == []
    change_billing_account(account=account, name="Gant Family", actor_id=None)
    found = [list(find_accounts_called(practice.id, word)) for word in ("xie", "fam")]
    assert found == [[], [account.id]]
    assert list(find_accounts_called(make_practice().id, "fam")) == []


def test_the_words_of_accounts_can_be_made_anew(practice: Practice) -> None:
    create_billing_account(practice=practice, name="Gant Family", actor_id=None)
    before = set(AccountWord.objects.values_list("account", "word"))
    AccountWord.objects.all().delete()
    call_command("rebuild_search", verbosity=0)
    assert before
    assert set(AccountWord.objects.values_list("account", "word")) == before


def test_a_single_letter_is_asked_of_those_whom_the_longer_word_leaves(practice: Practice) -> None:
    assert look(practice, "z hart") == ["Zo\u00eb"]
    assert look(practice, "q hart") == []
    viewer = StaffViewer(new_id(), practice, Role.OWNER)
    if connection.vendor == "sqlite":
        plan = list_clients(viewer=viewer, search="z hart").explain()
        assert plan.count("search_word_begins (practice_id=? AND word>? AND word<?)") == 1, plan
