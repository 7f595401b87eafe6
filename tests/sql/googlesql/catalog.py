"""The catalog that a statement is analyzed with: every table of include/sql, and what one text alone has besides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zetasql.wasi._pb2.zetasql.proto import function_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import function_pb2 as kinds
from zetasql.wasi._pb2.zetasql.public import type_pb2 as types

from include.warehouse.tables import Column, tables

KINDS = {
    "STRING": types.TYPE_STRING, "INT64": types.TYPE_INT64, "FLOAT64": types.TYPE_DOUBLE, "NUMERIC": types.TYPE_NUMERIC,
    "BOOL": types.TYPE_BOOL, "DATE": types.TYPE_DATE, "TIMESTAMP": types.TYPE_TIMESTAMP, "JSON": types.TYPE_JSON,
}  # fmt: skip

Columns = Sequence[tuple[str, Any]]


def type_of(text: str) -> Any:
    """Return the type that a declaration writes, such as ARRAY<STRING>."""
    if array := re.fullmatch(r"ARRAY<(.+)>", text.strip(), re.IGNORECASE):
        return _array(type_of(array[1]))
    return types.TypeProto(type_kind=KINDS[text.strip().upper()])


def column_type(column: Column) -> Any:
    """Return the type of a column of table.yaml."""
    if column.type == "RECORD":
        element = types.TypeProto(type_kind=types.TYPE_STRUCT)
        for field in column.fields:
            element.struct_type.field.add(field_name=field.name, field_type=column_type(field))
    else:
        element = types.TypeProto(type_kind=KINDS[column.type])
    return _array(element) if column.mode == "REPEATED" else element


def columns_of(columns: Sequence[Column]) -> Columns:
    """Return (name, type) of columns of table.yaml."""
    return [(column.name, column_type(column)) for column in columns]


def project_catalog(language: Any, more: Mapping[str, Columns], text: str | None) -> Any:
    """Return a catalog of every table under its name, in two parts or in one pair of backticks.

    :param more: tables as dataset.table that are there for one text alone.
    :param text: None, or the text outside of which no table is wanted.
    """
    catalog = simple_catalog_pb2.SimpleCatalogProto(name="project")
    catalog.builtin_function_options.language_options.CopyFrom(language)
    _add_max_by(catalog)
    datasets: dict[str, Any] = {}
    wanted = [table for table in tables() if text is None or table.name in text]
    every = {table.name: columns_of(table.columns) for table in wanted} | dict(more)
    for name, columns in every.items():
        dataset, table = name.split(".")
        if dataset not in datasets:
            datasets[dataset] = catalog.catalog.add(name=dataset)
        add_table(datasets[dataset], table, columns, full_name=name)
        add_table(catalog, name, columns, full_name=name)
    return catalog


def add_table(catalog: Any, name: str, columns: Columns, full_name: str) -> None:
    table = catalog.table.add(name=name, full_name=full_name, serialization_id=next(_NUMBERS))
    for column, type_ in columns:
        table.column.add(name=column, type=type_, is_writable_column=True)


def add_function(catalog: Any, name_path: Sequence[str], signature: Any) -> None:
    function = catalog.custom_function.add(name_path=list(name_path), group="temp", mode=kinds.FunctionEnums.SCALAR)
    function.signature.add().CopyFrom(signature)


def _add_max_by(catalog: Any) -> None:
    """MAX_BY and MIN_BY: BigQuery has them, this build of ZetaSQL has not."""
    for name in ("max_by", "min_by"):
        function = catalog.custom_function.add(name_path=[name], group="bigquery", mode=kinds.FunctionEnums.AGGREGATE)
        signature = function.signature.add()
        signature.return_type.CopyFrom(_any(kinds.ARG_TYPE_ANY_1))
        signature.argument.extend([_any(kinds.ARG_TYPE_ANY_1), _any(kinds.ARG_TYPE_ANY_2)])


def _any(kind: int) -> Any:
    return function_pb2.FunctionArgumentTypeProto(kind=kind, num_occurrences=1)


def _array(element: Any) -> Any:
    array = types.TypeProto(type_kind=types.TYPE_ARRAY)
    array.array_type.element_type.CopyFrom(element)
    return array


_NUMBERS = iter(range(1, 10**9))
