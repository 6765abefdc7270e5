"""Columns that the database never sees in the clear."""

from __future__ import annotations

from typing import Any

from encrypted_fields.fields import EncryptedCharField


class SecretCharField(EncryptedCharField):
    """Encrypted text that may be empty. Emptiness is stored as NULL and read as "" again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 255, "blank": True, "null": True, "default": "", **kwargs})

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str:
        return super().from_db_value(value, expression, connection) or ""
