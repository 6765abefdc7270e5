"""The column of what an issued document prints: the numbers that are secret elsewhere are secret there too.

A tax number, which may be a Social Security number, and the numbers of an insurance are encrypted in their own
tables. Frozen in clear text they would lie beside them. So these values are taken out and kept as one encrypted
text, and whoever reads the column through Django gets them back in their places. The digest is of the whole, in
clear text: new keys change nothing about it, and a text that can't be decrypted shows as a broken digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import models

from paywell.core.fields import SecretCharField

_KEY: Final = "sealed"


class FrozenField(models.JSONField):
    """JSON of an issued document. `secret` names the places of its secret numbers, each as a path of keys.

    For migrations it is a JSONField: the column is the same.
    """

    def __init__(self, *args: Any, secret: Sequence[tuple[str, ...]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paths = tuple(secret)
        self._secret = SecretCharField()

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def clone(self) -> Any:
        """With its places, which `deconstruct` keeps from migrations."""
        _, _, args, kwargs = self.deconstruct()
        return type(self)(*args, secret=self._paths, **kwargs)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(self.seal(value), connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self._unseal(super().from_db_value(value, expression, connection))

    def seal(self, value: Any) -> Any:
        """What lies in the database of `value`; the very same where there is nothing secret in it."""
        if not isinstance(value, dict):
            return value
        found = [(path, part[path[-1]]) for path, part in self._parts(value) if part[path[-1]]]
        if not found:
            return value
        shown = {key: dict(part) if isinstance(part, dict) else part for key, part in value.items()}
        for path, part in self._parts(shown):
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

    def _parts(self, value: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        """Each secret place that there is, with the dict that it stands in."""
        for path in self._paths:
            part: Any = value
            for name in path[:-1]:
                part = part.get(name)
                if not isinstance(part, dict):
                    break
            else:
                if path[-1] in part:
                    yield path, part
