from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from include.warehouse.tables import tables
from operators.apply_tables import ApplyTablesOperator
from tests.operators.context import context


def apply() -> dict[str, int]:
    return ApplyTablesOperator(task_id="apply").execute(context())


def test_apply_tables_when_all_exist_then_second_run_changes_nothing(warehouse: bigquery.Client) -> None:
    apply()
    assert apply() == {"created": 0, "updated": 0, "unchanged": len(tables())}


def test_apply_tables_when_one_is_missing_then_it_is_created_with_its_description(warehouse: bigquery.Client) -> None:
    apply()
    warehouse.delete_table("ops.balance")
    assert apply()["created"] == 1
    created = warehouse.get_table("ops.balance")
    assert "in = out + rejected + filtered" in created.description
    assert [field.name for field in created.schema] == ["table_name", "kind", "reason", "row_count"]


def test_apply_tables_when_a_column_is_retyped_by_hand_then_error_names_it_and_nothing_is_lost(
    warehouse: bigquery.Client,
) -> None:
    apply()
    warehouse.delete_table("ops.balance")
    warehouse.query_and_wait("CREATE TABLE ops.balance (table_name STRING NOT NULL, row_count STRING)")
    warehouse.query_and_wait("INSERT INTO ops.balance (table_name, row_count) VALUES ('x', '1')")
    try:
        with pytest.raises(
            AirflowException, match=r"ops.balance.row_count: STRING NULLABLE in the warehouse, INT64 REQUIRED"
        ):
            apply()
        assert [row["row_count"] for row in warehouse.query_and_wait("SELECT row_count FROM ops.balance")] == ["1"]
    finally:
        warehouse.delete_table("ops.balance")
        apply()


def test_apply_tables_when_an_existing_table_lacks_a_required_column_then_nothing_at_all_is_changed(
    warehouse: bigquery.Client,
) -> None:
    apply()
    warehouse.delete_table("ops.balance")
    warehouse.delete_table("clean.suppression")
    warehouse.query_and_wait(
        "CREATE TABLE ops.balance (table_name STRING NOT NULL, kind STRING NOT NULL, reason STRING)"
    )
    columns = warehouse.get_table("ops.balance").schema
    try:
        with pytest.raises(
            AirflowException, match=r"ops.balance.row_count: INT64 REQUIRED in table.yaml, not in the warehouse"
        ):
            apply()
        assert warehouse.get_table("ops.balance").schema == columns
        with pytest.raises(NotFound):
            warehouse.get_table("clean.suppression")
    finally:
        warehouse.delete_table("ops.balance")
        apply()
