"""What Django and Python do for many threads and event loops, left out in a process of one thread.

None of it changes what a statement says or what comes back; a test compares histories with it and without.
"""

from __future__ import annotations

import gc
import inspect
import sys
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID


def begin() -> None:
    """Before the first query."""
    from django.db import connection

    if connection.vendor == "sqlite":
        _convert_statements_once()
        _convert_values_once(type(connection.ops))
    _make_rows_plainly()
    _prepare_relations_once()


def settle() -> None:
    """When everything that all histories share is there."""
    from django.conf import LazySettings
    from django.db import connections
    from django.db.models import QuerySet
    from django.utils.connection import ConnectionProxy

    # Held per thread otherwise, and looked up there at each use.
    connections._connections = SimpleNamespace(default=connections["default"])  # type: ignore[attr-defined]
    QuerySet.db = "default"  # type: ignore[method-assign, assignment]
    for name, module in list(sys.modules.items()):
        if name.startswith(("paywell.", "tests.faults.remembered")) and isinstance(
            getattr(module, "connection", None), ConnectionProxy
        ):
            module.connection = connections["default"]  # type: ignore[attr-defined]
    # Each read of a setting asks first whether it is one of the proxy's own methods.
    LazySettings.__getattribute__ = object.__getattribute__  # type: ignore[method-assign, assignment]
    _unwrap(type(connections["default"]))
    if connections["default"].vendor == "sqlite":
        _open_cursors_plainly(connections["default"])
    # A history leaves little behind, and most of what is looked through was there before it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)


def _unwrap(wrapper: type) -> None:
    """Methods that first ask whether an event loop is running: there is none."""
    for name in dir(wrapper):
        method = getattr(wrapper, name)
        if getattr(method, "__wrapped__", None) and method.__code__.co_filename.endswith("asyncio.py"):
            setattr(wrapper, name, method.__wrapped__)


def _convert_statements_once() -> None:
    """Django's %s become SQLite's question marks once for each statement."""
    from django.db.backends.sqlite3.base import SQLiteCursorWrapper

    usual = SQLiteCursorWrapper.convert_query
    convert = cache(lambda sql: usual(None, sql))  # type: ignore[arg-type]

    def convert_query(cursor: Any, sql: str, *, param_names: Any = None) -> str:
        return convert(sql) if param_names is None else usual(cursor, sql, param_names=param_names)

    SQLiteCursorWrapper.convert_query = convert_query  # type: ignore[method-assign]


def _convert_values_once(operations: type[Any]) -> None:
    """The same few hundred identifiers and moments come and go; neither can be changed by who gets them."""
    read_uuid = lru_cache(20_000)(UUID)
    usual_read, usual_write = operations.convert_datetimefield_value, operations.adapt_datetimefield_value
    moments: dict[str, Any] = {}

    def read_moment(ops: Any, value: Any, expression: Any, connection: Any) -> Any:
        known = moments.get(value)
        if known is None and value is not None:
            if len(moments) > 20_000:
                moments.clear()
            known = moments[value] = usual_read(ops, value, expression, connection)
        return known

    operations.convert_uuidfield_value = lambda ops, value, *_: None if value is None else read_uuid(value)
    operations.convert_datetimefield_value = read_moment
    operations.adapt_datetimefield_value = lru_cache(20_000)(usual_write)


def _make_rows_plainly() -> None:
    """A row becomes an object without the detour over the arguments of `__init__`, where that is all it does."""
    from django.db.models import Model
    from django.db.models.base import ModelState
    from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
    from django.db.models.query_utils import DeferredAttribute
    from django.db.models.signals import post_init, pre_init

    usual = Model.from_db.__func__  # type: ignore[attr-defined]

    @cache
    def is_plain(model: type[Model]) -> bool:
        columns = [inspect.getattr_static(model, field.attname) for field in model._meta.concrete_fields]
        return (
            model.__init__ is Model.__init__
            and not (pre_init.has_listeners(model) or post_init.has_listeners(model))
            and all(type(each) in (DeferredAttribute, ForeignKeyDeferredAttribute) for each in columns)
        )

    def from_db(model: type[Model], db: str, names: Any, values: Any) -> Model:
        if not is_plain(model):
            return usual(model, db, names, values)  # type: ignore[no-any-return]
        made = model.__new__(model)
        state = ModelState()
        state.adding, state.db = False, db
        made.__dict__["_state"] = state
        made.__dict__.update(zip(names, values, strict=True))
        return made

    Model.from_db = classmethod(from_db)  # type: ignore[assignment]


def _prepare_relations_once() -> None:
    """How related rows are made of the columns of a join: the same each time for a query that is kept."""
    from django.apps import apps
    from django.db.models import query
    from django.db.models.sql.compiler import SQLCompiler

    usual = query.get_related_populators

    def get_related_populators(klass_info: dict[str, Any], select: Any, db: str) -> Any:
        if "populators" not in klass_info:
            klass_info["populators"] = usual(klass_info, select, db)
        return klass_info["populators"]

    query.get_related_populators = get_related_populators
    if not any(model._meta.is_composite_pk for model in apps.get_models(include_auto_created=True)):
        SQLCompiler.has_composite_fields = lambda compiler, expressions: False  # type: ignore[method-assign]


def _open_cursors_plainly(connection: Any) -> None:
    """Django's cursor without what is asked at each use: which thread, whether it logs, who wraps the statement."""
    from django.db.backends.sqlite3.base import SQLiteCursorWrapper
    from django.db.backends.utils import CursorWrapper

    error = connection.Database.Error

    class Cursor(CursorWrapper):
        def __init__(self) -> None:
            self.cursor = connection.connection.cursor(factory=SQLiteCursorWrapper)
            self.db = connection
            self.fetchmany, self.fetchone = self.cursor.fetchmany, self.cursor.fetchone
            self.close = self.cursor.close

        def execute(self, sql: str, params: Any = None) -> Any:
            (watch,) = connection.execute_wrappers
            return watch(self._run, sql, params, False, None)

        def _run(self, sql: str, params: Any, *_: Any) -> Any:
            if connection.needs_rollback:
                connection.validate_no_broken_transaction()
            try:
                return self.cursor.execute(sql) if params is None else self.cursor.execute(sql, params)
            except error:
                with connection.wrap_database_errors:
                    raise

    connection.cursor = connection.chunked_cursor = Cursor
