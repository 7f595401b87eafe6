"""Dry-run every statement in an empty BigQuery project: ``python -m tests.sql.dry_run <project> [--keep]``.

It makes the datasets and empty tables of include/sql, asks BigQuery what each statement would read or why it refuses it, and
drops what it made. Nothing is read, written or billed.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from include.warehouse.parameters import declared, query_parameters
from include.warehouse.tables import tables
from tests.sql.statements import Statement, statements

LABEL = {"made_by": "bigquery-dry-run"}


class NotEmpty(Exception):
    """The project has a dataset of ours that this program did not make."""


@dataclass(frozen=True)
class Answer:
    """What BigQuery says to a statement: bytes that it would read, or why it refuses it."""

    statement: Statement
    read_bytes: int
    refusal: str | None


def make_tables(client: bigquery.Client, asked: tuple[Statement, ...]) -> list[str]:
    """Make every dataset and table, staging tables too, and return the datasets. Raises NotEmpty before it makes one."""
    names = sorted({table.dataset for table in tables()})
    there = {dataset.dataset_id: dataset.labels for dataset in client.list_datasets()}
    if foreign := [name for name in names if name in there and there[name] != LABEL]:
        raise NotEmpty(
            f"{client.project} has datasets of that name already: {', '.join(foreign)}. Name an empty project."
        )
    for name in names:
        dataset = bigquery.Dataset(f"{client.project}.{name}")
        dataset.location, dataset.labels = "US", LABEL
        client.create_dataset(dataset, exists_ok=True)
    for table in tables():
        client.create_table(bigquery.Table.from_api_repr(table.resource(client.project)), exists_ok=True)
    for name, columns in {name: columns for one in asked for name, columns in one.staged.items()}.items():
        schema = [bigquery.SchemaField.from_api_repr(column.schema()) for column in columns]
        client.create_table(bigquery.Table(f"{client.project}.{name}", schema=schema), exists_ok=True)
    return names


def ask(client: bigquery.Client, statement: Statement) -> Answer:
    """Return what BigQuery says to one statement, with its parameters as NULL of the types that it declares."""
    types = declared(statement.text)
    values = {name: [] if type_.startswith("ARRAY") else None for name, type_ in types.items()}
    parameters = query_parameters(statement.text, values)
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, query_parameters=parameters)
    try:
        job = client.query(statement.text, job_config=config)
    except GoogleAPICallError as error:
        return Answer(statement, 0, error.message or str(error))
    return Answer(statement, job.total_bytes_processed or 0, None)


def dry_run(client: bigquery.Client, asked: tuple[Statement, ...], *, keep: bool = False) -> list[Answer]:
    """Make the tables, ask about each statement, and drop what was made unless it is to be kept."""
    datasets = make_tables(client, asked)
    try:
        return [ask(client, statement) for statement in asked]
    finally:
        for name in [] if keep else datasets:
            client.delete_dataset(name, delete_contents=True, not_found_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project")
    parser.add_argument("--keep", action="store_true", help="leave datasets and tables for another run")
    given = parser.parse_args()
    credentials = AnonymousCredentials() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None  # type: ignore[no-untyped-call]
    try:
        answers = dry_run(bigquery.Client(given.project, credentials), statements(), keep=given.keep)
    except NotEmpty as error:
        print(error, file=sys.stderr)
        return 2
    for answer in answers:
        said = f"REFUSED {answer.refusal}" if answer.refusal else f"{answer.read_bytes} bytes"
        print(f"{answer.statement.where}:{answer.statement.line}: {said}")
    refused = sum(answer.refusal is not None for answer in answers)
    print(f"{len(answers) - refused} statements accepted, {refused} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
