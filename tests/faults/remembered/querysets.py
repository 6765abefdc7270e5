"""A queryset that notes what is asked of it, and is built by Django only where that is new."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Self

from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.deletion import Collector
from django.db.models.query import MAX_GET_RESULTS, ModelIterable

from tests.faults.remembered import plans
from tests.faults.remembered.shapes import Unshaped, scan, substitute

#: Whether what was asked has an order, by shape.
_ordered: dict[Hashable, bool] = {}
#: Of which strings are values; in all other calls they are names.
_FILTERS = ("filter", "exclude")


class Remembered(QuerySet[Any, Any]):
    """What was asked: `calls`, their shape, and the values in them. None for a shape: built by Django."""

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        self.model, self._db, self._hints = model, using, hints or {}
        self.asked_shape: tuple[Any, ...] | None = (
            (model,) if query is None and using in (None, "default") else None
        )
        self.asked_values: tuple[Any, ...] = ()
        self.calls: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = ()
        self._built = query
        self._iterable: Any = None
        self._chosen: Any = None
        self._result_cache: Any = None
        self._sticky_filter = self._for_write = self._prefetch_done = self._defer_next_filter = False
        self._prefetch_related_lookups: Any = ()
        self._known_related_objects: dict[Any, Any] = {}
        self._deferred_filter = None

    # What Django's own code reads of a queryset that it builds.

    def _build(self) -> Any:
        if self._built is None:
            plain = self.plain(None)
            self._built, self._iterable, self._chosen = plain.query, plain._iterable_class, plain._fields
        return self._built

    @property
    def _query(self) -> Any:
        return self._build()

    @_query.setter
    def _query(self, query: Any) -> None:
        self._built = query
        self.asked_shape = None

    @property
    def _iterable_class(self) -> Any:
        self._build()
        return self._iterable or ModelIterable

    @_iterable_class.setter
    def _iterable_class(self, iterable: Any) -> None:
        self._iterable = iterable

    @property
    def _fields(self) -> Any:
        self._build()
        return self._chosen

    @_fields.setter
    def _fields(self, fields: Any) -> None:
        self._chosen = fields

    def plain(self, given: Iterator[Any] | None) -> QuerySet[Any, Any]:
        """The same as Django builds it, with other values if any are given."""
        made: Any = QuerySet(self.model, using=self._db, hints=self._hints)
        for name, args, kwargs in self.calls:
            if given is not None:
                is_value = name in _FILTERS
                args = tuple([substitute(each, given) for each in args])
                kwargs = {each: substitute(value, given, is_value=is_value) for each, value in kwargs.items()}
            made = made[slice(*args)] if name == "[]" else getattr(made, name)(*args, **kwargs)
        return made  # type: ignore[no-any-return]

    def with_values(self, given: Iterator[Any]) -> QuerySet[Any, Any]:
        return self.plain(given)

    # Noting.

    def _can_be_noted(self) -> bool:
        return self.asked_shape is not None and not self._sticky_filter and not self._prefetch_related_lookups

    def _note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Self | None:
        """A copy of which that was asked too; None where it can't be noted."""
        if not self._can_be_noted():
            return None
        values: list[Any] = []
        is_value = name in _FILTERS
        try:
            if kwargs:
                kwargs = {each: _fix(each, value) for each, value in kwargs.items()}
            shape = (
                name,
                tuple([scan(each, values) for each in args]),
                tuple([(each, scan(value, values, is_value=is_value)) for each, value in kwargs.items()]),
            )
        except Unshaped:
            return None
        made = self._copy()
        made.asked_shape = (*self.asked_shape, shape)  # type: ignore[misc]
        made.asked_values = (*self.asked_values, *values)
        made.calls = (*self.calls, (name, args, kwargs))
        return made

    def _copy(self) -> Self:
        made = self.__class__(self.model, using=self._db, hints=self._hints)
        made.asked_shape, made.asked_values, made.calls = self.asked_shape, self.asked_values, self.calls
        made._known_related_objects = self._known_related_objects
        return made

    def all(self) -> Self:
        return self._copy() if self._can_be_noted() else super().all()

    def using(self, alias: str) -> Self:
        return self._copy() if alias == "default" and self._can_be_noted() else super().using(alias)

    def __getitem__(self, key: Any) -> Any:
        if self._result_cache is None and type(key) is slice and key.step is None:
            limits = (key.start, key.stop)
            if all(each is None or (type(each) is int and each >= 0) for each in limits):
                made = self._note("[]", limits, {})
                if made is not None:
                    return made
        return super().__getitem__(key)

    # Asking the database.

    def _fetch_all(self) -> None:
        if self._result_cache is None and self._can_be_noted():
            plan = plans.find_plan(self.asked_shape, self, plans.select, given=self.asked_values)
            if plan is not None:
                self._result_cache = [] if plan.is_empty else list(self._rows_of(plan))
                return
        super()._fetch_all()

    def _iterator(self, use_chunked_fetch: bool, chunk_size: int) -> Iterator[Any]:
        plan = None
        if self._can_be_noted():
            plan = plans.find_plan(self.asked_shape, self, plans.select, given=self.asked_values)
        if plan is None:
            yield from super()._iterator(use_chunked_fetch, chunk_size)
        elif not plan.is_empty:
            yield from self._rows_of(plan, chunked_fetch=use_chunked_fetch, chunk_size=chunk_size)

    def _rows_of(self, plan: plans.Plan, **how: Any) -> Any:
        rows: Any = plan.rows
        if self._known_related_objects:  # what the plan keeps belongs to all
            rows = object.__new__(QuerySet)
            rows.__dict__.update(plan.rows.__dict__)
            rows._known_related_objects = self._known_related_objects
        return rows._iterable_class(rows, **how)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        if self.asked_shape is None or any(name in ("[]", "distinct") for name, _, _ in self.calls):
            return super().get(*args, **kwargs)
        found = self.filter(*args, **kwargs).order_by()
        if found.asked_shape is None:
            return super().get(*args, **kwargs)
        rows = list(found[:MAX_GET_RESULTS])
        if len(rows) == 1:
            return rows[0]
        name = self.model._meta.object_name
        if rows:
            raise self.model.MultipleObjectsReturned(f"get() returned more than one {name}")
        raise self.model.DoesNotExist(f"{name} matching query does not exist.")

    def first(self) -> Any:
        shape = self.asked_shape
        if shape is None or self._result_cache is not None:
            return super().first()
        is_ordered = _ordered.get(shape)
        if is_ordered is None:
            is_ordered = _ordered[shape] = self.ordered
            if not is_ordered:
                self._check_ordering_first_last_queryset_aggregation(method="first")
        rows = self if is_ordered else self.order_by("pk")
        return next(iter(rows[:1]), None)

    def exists(self) -> bool:
        if self._result_cache is None and self.asked_shape is not None:
            key = ("exists", self.asked_shape)
            plan = plans.find_plan(key, self, plans.exists, given=self.asked_values)
            if plan is not None:
                return plans.run_exists(plan)
        return super().exists()

    def count(self) -> int:
        if self._result_cache is None:
            found = self._sum_up({"__count": Count("*")})
            if found is not None:
                return int(found["__count"])
        return super().count()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        found = None if args else self._sum_up(kwargs)
        return super().aggregate(*args, **kwargs) if found is None else found

    def _sum_up(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """None where Django must do it."""
        if self.asked_shape is None or any(name == "distinct" for name, _, _ in self.calls):
            return None
        values: list[Any] = []
        try:
            shape = tuple([(name, scan(each, values)) for name, each in wanted.items()])
        except Unshaped:
            return None
        key = ("aggregate", self.asked_shape, shape)
        given = (*self.asked_values, *values)
        plan = plans.find_plan(key, self, plans.Aggregate(wanted), given=given)
        return None if plan is None or plan.is_empty else plans.run_aggregate(plan)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Where nothing else hangs on the rows, one statement in a transaction, as `Collector` does it."""
        limits = any(name in ("[]", "distinct", "values", "values_list") for name, _, _ in self.calls)
        if self.asked_shape is None or limits or not Collector(using="default").can_fast_delete(self):
            return super().delete()
        plan = plans.find_plan(("delete", self.asked_shape), self, plans.delete, given=self.asked_values)
        if plan is None:
            return super().delete()
        with transaction.atomic(using="default", savepoint=False):
            number = plans.run_update(plan)
        self._result_cache = None
        return number, {self.model._meta.label: number} if number else {}

    def update(self, **kwargs: Any) -> int:
        fields = self.model._meta
        try:
            values = [(fields.get_field(name), None, value) for name, value in kwargs.items()]
        except Exception:  # Django says what is wrong with the name
            return super().update(**kwargs)
        with transaction.mark_for_rollback_on_error(using=self.db):
            done = self._set(values)
        return super().update(**kwargs) if done is None else done

    def _update(self, values: Any) -> int:
        done = self._set(values)
        return super()._update(values) if done is None else done

    def _set(self, values: Any) -> int | None:
        """The number of rows, or None where Django must do it."""
        if self.asked_shape is None or any(name == "[]" for name, _, _ in self.calls) or not values:
            return None
        travel: list[Any] = []
        columns, wanted, shape = [], [], []
        for field, _model, value in values:
            if not field.concrete or field.many_to_many or hasattr(field, "get_placeholder"):
                return None
            is_expression = hasattr(value, "resolve_expression")
            if is_expression:
                try:
                    shape.append((field, scan(value, travel)))
                except Unshaped:
                    return None
            elif value is None:
                shape.append((field, None))
            else:
                if hasattr(value, "prepare_database_save"):
                    value = value.prepare_database_save(field)
                shape.append((field, True))
                columns.append(value)
            wanted.append((field, value, is_expression))
        key = ("update", self.asked_shape, tuple(shape))
        given = (*self.asked_values, *travel)
        plan = plans.find_plan(key, self, plans.Update(wanted), given=given, columns=columns)
        return None if plan is None else plans.run_update(plan)


def _fix(name: str, value: Any) -> Any:
    """What the caller could still change, as it is now."""
    kind = type(value)
    if kind is list:
        return list(value)
    if kind is set:
        return frozenset(value)
    if kind.__name__ in ("dict_keys", "dict_values") or (isinstance(value, dict) and name.endswith("__in")):
        return list(value)
    return value


def _noting(name: str) -> Any:
    usual = getattr(QuerySet, name)

    def ask(self: Remembered, *args: Any, **kwargs: Any) -> Any:
        made = self._note(name, args, kwargs)
        return usual(self, *args, **kwargs) if made is None else made

    ask.__name__ = name
    ask.queryset_only = getattr(usual, "queryset_only", None)  # type: ignore[attr-defined]
    return ask


for _name in (
    "filter", "exclude", "order_by", "select_related", "values", "values_list", "only", "defer", "distinct",
    "annotate", "alias", "select_for_update",
):  # fmt: skip
    setattr(Remembered, _name, _noting(_name))
