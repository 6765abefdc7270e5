"""A snippet is filled as its template would be rendered: escaped, translated, by its flags."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from django.utils.safestring import mark_safe

from paywell.core.ids import new_id
from paywell.core.snippets import Snippet

TEMPLATE = '<p title="{{ name }}"{% if is_new %} class="new"{% endif %}>{{ name }}, {{ id }}, {{ mark }}</p>'


@pytest.fixture
def snippet() -> Any:
    settings = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {"row.html": TEMPLATE})]},
        }
    ]
    with override_settings(TEMPLATES=settings):
        yield Snippet("row.html")


def test_values_are_escaped_unless_they_are_safe(snippet: Snippet) -> None:
    id = new_id()
    values = {"name": '"><script>&', "id": id, "mark": mark_safe("<b>1</b>")}
    expected = f'<p title="&quot;&gt;&lt;script&gt;&amp;">&quot;&gt;&lt;script&gt;&amp;, {id}, <b>1</b></p>'
    for _ in range(2):
        assert snippet(values, {"is_new": False}) == expected
    assert snippet(values | {"mark": "<b>1</b>"}, {"is_new": False}) == expected.replace(
        "<b>1</b>", "&lt;b&gt;1&lt;/b&gt;"
    )


def test_each_call_shows_its_own_values_and_flags(snippet: Snippet) -> None:
    one, other = new_id(), new_id()
    assert snippet({"name": "A", "id": one, "mark": ""}, {"is_new": True}) == (
        f'<p title="A" class="new">A, {one}, </p>'
    )
    assert snippet({"name": "B", "id": other, "mark": "{{ name }}"}, {"is_new": False}) == (
        f'<p title="B">B, {other}, {{{{ name }}}}</p>'
    )
    assert snippet({"name": "C", "id": one, "mark": str(other)}, {"is_new": True}) == (
        f'<p title="C" class="new">C, {one}, {other}</p>'
    )
