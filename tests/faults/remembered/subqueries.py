"""Subqueries that know the queryset they were made of, and clone it only when Django looks into it."""

from __future__ import annotations

from typing import Any

from django.db.models import Subquery

from tests.faults.remembered.querysets import Remembered


class _Query:
    """`Subquery.query`, made when it is first looked at; what is set on the instance goes before."""

    def __get__(self, subquery: Any, owner: type) -> Any:
        if subquery is None:
            return self
        made = subquery.__dict__["query"] = subquery._constructor_args[0][0].query.clone()
        made.subquery = True
        return made


def switch_on() -> None:
    usual = Subquery.__init__

    def begin(self: Subquery, queryset: Any, output_field: Any = None, **extra: Any) -> None:
        if not isinstance(queryset, Remembered):
            usual(self, queryset, output_field, **extra)
            return
        kwargs = extra if output_field is None else extra | {"output_field": output_field}
        self._constructor_args = ((queryset,), kwargs)  # type: ignore[attr-defined]
        self.extra = extra
        super(Subquery, self).__init__(output_field)

    Subquery.__init__ = begin  # type: ignore[assignment, method-assign]
    Subquery.query = _Query()  # type: ignore[assignment]
