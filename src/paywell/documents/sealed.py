"""The column of what issued documents print: the numbers that are secret elsewhere are secret there too.

A tax number, which may be a Social Security number, and the numbers of an insurance are encrypted in their own
tables. Frozen in clear text they would lie beside them. So these values are taken out and kept as one encrypted
text, and whoever reads the column through Django gets them back in their places. The digest is of the whole, in
clear text: new keys change nothing about it, and a text that can't be decrypted shows as a broken digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from django.db import models

from paywell.core.fields import SecretCharField

#: Where secret numbers stand in a document's data (`frozen.dump`).
_SECRET: Final = (("tax_id",), ("authorization",), ("coverage", "member_id"), ("coverage", "group_number"))
_KEY: Final = "sealed"


class FrozenField(models.JSONField):
    """JSON of an issued document. For migrations it is a JSONField: the column is the same."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._secret = SecretCharField()

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(self._seal(value), connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self._unseal(super().from_db_value(value, expression, connection))

    def _seal(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = [(path, part[path[-1]]) for path, part in _parts(value) if part[path[-1]]]
        if not found:
            return value
        shown = {key: dict(part) if isinstance(part, dict) else part for key, part in value.items()}
        for path, part in _parts(shown):
            part[path[-1]] = ""
        return {**shown, _KEY: self._secret.get_prep_value(json.dumps(found))}

    def _unseal(self, value: Any) -> Any:
        """Rows from before there was a seal come as they are."""
        if not isinstance(value, dict) or _KEY not in value:
            return value
        text = str(self._secret.to_python(value.pop(_KEY)))
        try:
            found = json.loads(text)
        except ValueError:
            return value  # the key is not the one that sealed it: the digest tells
        for path, secret in found:
            part = value
            for name in path[:-1]:
                part = part[name]
            part[path[-1]] = secret
        return value


def _parts(value: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each secret place that there is, with the dict that it stands in."""
    for path in _SECRET:
        part: Any = value
        for name in path[:-1]:
            part = part.get(name)
            if not isinstance(part, dict):
                break
        else:
            if path[-1] in part:
                yield path, part
