"""The shipped SQL of clean.provider, replayed in memory for many orders of loads and crashes.

Runs in the emulators environment, as `python fold_replay.py < request.json > answer.json`. local-bigquery translates each script
once, against empty tables in DuckDB's memory; the statements that it ran are noted, and run again for every scenario. A
scenario is a list of steps: `["load", slice]`, `["unload", slice]`, `["run", script]`, and `["crash", script, n]`, which
runs the first n statements and then loses its connection. Answer: per scenario, each table's rows as sorted text.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import duckdb
from local_bigquery.engine import database
from local_bigquery.engine.types import TO_DUCKDB
from local_bigquery.jobs import query
from local_bigquery.models import JobConfigurationQuery, QueryParameter
from local_bigquery.settings import settings

PROJECT = "replayed"


class Noted:
    """A cursor that notes every statement with its values."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.statements: list[tuple[str, Any]] = []

    def execute(self, sql: str, values: Any = None) -> duckdb.DuckDBPyConnection:
        self.statements.append((sql, values))
        return self._cursor.execute(sql, values)

    def sql(self, sql: str, params: Any = None) -> duckdb.DuckDBPyRelation:
        return self._cursor.sql(sql, params=params)


def connect() -> duckdb.DuckDBPyConnection:
    """Return local-bigquery's connection, with its project in memory."""
    settings.default_project_id = PROJECT
    connection = duckdb.connect()
    connection.execute("SET threads = 1; ATTACH ':memory:' AS emulator")
    connection.execute(database.EMULATOR_SCHEMA)
    connection.execute("ATTACH ':memory:' AS bq")
    database.native.register(connection)
    for path in database.FUNCTIONS:
        connection.execute(database.MACRO.sub(r"CREATE MACRO bq.main.\1", path.read_text()))
    connection.execute(f"ATTACH ':memory:' AS {PROJECT}")
    database._attached.add(PROJECT)
    database._connect = lambda: connection
    return connection


def create(connection: duckdb.DuckDBPyConnection, name: str, columns: list[list[str]]) -> None:
    dataset, table = name.split(".")
    types = [
        f'"{column}" {TO_DUCKDB[kind]}{"[]" if mode == "REPEATED" else ""}{" NOT NULL" if mode == "REQUIRED" else ""}'
        for column, kind, mode in columns
    ]
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {PROJECT}.{dataset}")
    connection.execute(f"CREATE TABLE {PROJECT}.{dataset}.{table} ({', '.join(types)})")


def noted(connection: duckdb.DuckDBPyConnection, script: str, parameters: dict[str, str]) -> list[tuple[str, Any]]:
    """Run a script of BigQuery SQL with STRING parameters; return the statements that DuckDB got."""
    given = [
        QueryParameter.model_validate(
            {"name": name, "parameterType": {"type": "STRING"}, "parameterValue": {"value": value}}
        )
        for name, value in parameters.items()
    ]
    cursor = Noted(connection.cursor())
    config = JobConfigurationQuery(query=script, queryParameters=given, parameterMode="NAMED")
    query.execute(cursor, PROJECT, None, config)
    return cursor.statements


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        columns = ", ".join(f'"{column}"' for column in row)
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO {PROJECT}.{name} ({columns}) VALUES ({marks})", list(row.values()))


def unload(connection: duckdb.DuckDBPyConnection, name: str, slice_: dict[str, Any]) -> None:
    day = '"partition"' if name == "ops.load_manifest" else "file_date"
    connection.execute(
        f"DELETE FROM {PROJECT}.{name} WHERE {day} = ? AND source = ?", [slice_["file_date"], slice_["source"]]
    )


def replay(connection: duckdb.DuckDBPyConnection, statements: list[tuple[str, Any]]) -> None:
    """Run statements on a connection of their own, which then is lost, with its temporary tables and open transaction."""
    cursor = connection.cursor()
    for sql, values in statements:
        cursor.execute(sql, values)
    cursor.close()


def told(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return sorted(str(row) for row in connection.execute(f"FROM {PROJECT}.{name}").fetchall())


def main() -> None:
    request = json.load(sys.stdin)
    connection = connect()
    for name, columns in request["tables"].items():
        create(connection, name, columns)
    scripts = {name: noted(connection, text, request["parameters"]) for name, text in request["scripts"].items()}
    answers = []
    for scenario in request["scenarios"]:
        for name in request["tables"]:
            connection.execute(f"DELETE FROM {PROJECT}.{name}")
        for name, rows in request["given"].items():
            insert(connection, name, rows)
        for verb, subject, *rest in scenario["steps"]:
            if verb == "run":
                replay(connection, scripts[subject])
            elif verb == "crash":
                replay(connection, scripts[subject][: rest[0] % len(scripts[subject])])
            else:
                slice_ = scenario["slices"][subject]
                for name in slice_["tables"]:
                    unload(connection, name, slice_)
                    insert(connection, name, slice_["tables"][name] if verb == "load" else [])
        answers.append({name: told(connection, name) for name in request["compared"]})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
