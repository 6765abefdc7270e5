from __future__ import annotations

import pytest

from paywell.accounts.templatetags.signin import browser_name, groups_of_four


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (iPhone; like Mac OS X) Version/18.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8", "Another device"),
        ("<script>", "Another device"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent, name):
    assert browser_name(user_agent) == name


def test_a_key_is_shown_in_groups_of_four_and_nothing_of_it_is_lost():
    assert groups_of_four("ABCDEFGHIJ") == ["ABCD", "EFGH", "IJ"]
    assert groups_of_four("") == []
