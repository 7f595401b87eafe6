"""Table definitions: what a wrong one says, and that every one in the tree is right and can be created."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from include.warehouse import tables as tables_module
from include.warehouse.tables import MODES, SQL_ROOT, TYPES, Column, Table, column_types, table, tables

if TYPE_CHECKING:
    from google.cloud import bigquery

COLUMN = {
    "name": "npi",
    "type": "STRING",
    "mode": "REQUIRED",
    "pii": False,
    "description": "National Provider Identifier",
}
GOOD: dict[str, Any] = {
    "owner": "data",
    "description": "Providers.",
    "grain": "one row per NPI",
    "primary_key": ["npi"],
    "partition": {"field": "day", "type": "DAY"},
    "clustering": ["npi"],
    "columns": [COLUMN, {**COLUMN, "name": "day", "type": "DATE"}],
}
RECORD: dict[str, Any] = {
    "name": "params",
    "type": "RECORD",
    "mode": "REPEATED",
    "description": "Key and value",
    "fields": [
        {**COLUMN, "name": "key"},
        {
            "name": "value",
            "type": "RECORD",
            "mode": "NULLABLE",
            "description": "One of its fields is set",
            "fields": [{**COLUMN, "name": "text", "mode": "NULLABLE", "pii": True}],
        },
    ],
}
# Names by which a column holds personal data whatever else it holds.
PERSONAL = re.compile(r"(^|_)(email|phone_e164|first_name|last_name|linkedin_url|mobile)$")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that writes clean.t's definition into an empty tree and reads it back."""
    monkeypatch.setattr(tables_module, "SQL_ROOT", tmp_path / "include" / "sql")
    folder = tmp_path / "include" / "sql" / "clean" / "t"
    folder.mkdir(parents=True)

    def read(**changes: Any) -> Table:
        tables_module._parsed.cache_clear()
        (folder / "table.yaml").write_text(yaml.safe_dump({**GOOD, **changes}))
        return table("clean.t")

    yield read
    tables_module._parsed.cache_clear()


def test_table_when_defined_well_gives_the_rest_resource(written: Any) -> None:
    resource = written().resource("p")
    assert resource["tableReference"] == {"projectId": "p", "datasetId": "clean", "tableId": "t"}
    assert resource["timePartitioning"] == {"type": "DAY", "field": "day"}
    assert resource["clustering"] == {"fields": ["npi"]}
    assert resource["labels"] == {"owner": "data", "pii": "false"}
    assert [field["name"] for field in resource["schema"]["fields"]] == ["npi", "day"]


def test_table_when_unpartitioned_has_no_partitioning(written: Any) -> None:
    resource = written(partition=None, clustering=[]).resource("p")
    assert "timePartitioning" not in resource
    assert "clustering" not in resource


def test_table_when_one_column_is_personal_is_labelled(written: Any) -> None:
    assert (
        written(columns=[*GOOD["columns"], {**COLUMN, "name": "email", "pii": True}]).resource("p")["labels"]["pii"]
        == "true"
    )


def test_table_when_a_column_is_nested_then_schema_is_too_and_a_personal_leaf_marks_it(written: Any) -> None:
    defined = written(columns=[*GOOD["columns"], RECORD])
    schema = defined.schema()
    assert [field["name"] for field in schema[2]["fields"]] == ["key", "value"]
    assert "fields" not in schema[0] and "pii" not in schema[2]
    assert column_types(schema) == {
        "npi": ("STRING", "REQUIRED"),
        "day": ("DATE", "REQUIRED"),
        "params": ("RECORD", "REPEATED"),
        "params.key": ("STRING", "REQUIRED"),
        "params.value": ("RECORD", "NULLABLE"),
        "params.value.text": ("STRING", "NULLABLE"),
    }
    assert [column.pii for column in defined.columns] == [False, False, True]
    assert defined.resource("p")["labels"]["pii"] == "true"


def test_column_types_when_bigquery_says_legacy_names_or_no_mode_then_the_same_words() -> None:
    fields = [
        {"name": "a", "type": "INTEGER"},
        {"name": "b", "type": "STRUCT", "fields": [{"name": "c", "type": "BOOLEAN"}]},
    ]
    assert list(column_types(fields).values()) == [("INT64", "NULLABLE"), ("RECORD", "NULLABLE"), ("BOOL", "NULLABLE")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"owner": "nobody"}, "owner 'nobody' is not one of"),
        ({"colour": "red"}, "keys must be exactly"),
        ({"primary_key": ["id"]}, r"unknown columns \['id'\]"),
        ({"clustering": ["state"]}, r"unknown columns \['state'\]"),
        ({"partition": {"field": "week", "type": "DAY"}}, r"unknown columns \['week'\]"),
        ({"columns": [*GOOD["columns"], COLUMN]}, r"named twice: \['npi'\]"),
        ({"columns": [{**COLUMN, "type": "VARCHAR"}]}, "column npi: type in"),
        ({"columns": [{**COLUMN, "mode": "OPTIONAL"}]}, "column npi: type in"),
        ({"columns": [{**COLUMN, "pii": "no"}]}, "column npi: type in"),
        ({"columns": [{"name": "npi"}]}, "column 1 must have exactly"),
        ({"columns": [{**RECORD, "pii": True}]}, r"column 1 must have exactly .*'fields'"),
        ({"columns": [{**RECORD, "fields": [COLUMN, RECORD["fields"][0], COLUMN]}]}, r"named twice: \['npi'\]"),
        ({"columns": [{**RECORD, "fields": [{"name": "a"}]}]}, "column params.1 must have exactly"),
    ],
)
def test_table_when_defined_wrongly_names_file_and_fault(written: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"include/sql/clean/t/table.yaml: .*{said}"):
        written(**changes)


@pytest.mark.parametrize("name", ["clean.nothing", "clean", "../clean.t"])
def test_table_when_it_has_no_definition_says_where_it_belongs(name: str) -> None:
    with pytest.raises(ValueError, match="expected its definition at include/sql/"):
        table(name)


def every(values: tuple[Table, ...]) -> Any:
    return pytest.mark.parametrize("defined", values, ids=lambda t: t.name)


def with_fields(columns: tuple[Column, ...]) -> list[Column]:
    """Return the columns and, after each, the fields nested in it."""
    return [one for column in columns for one in (column, *with_fields(column.fields))]


@every(tables())
class TestEveryTable:
    def test_columns_are_snake_case_typed_and_described(self, defined: Table) -> None:
        for column in with_fields(defined.columns):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name), column.name
            assert column.type in TYPES
            assert column.mode in MODES
            assert column.description.strip(), column.name

    def test_personal_columns_are_marked(self, defined: Table) -> None:
        named_so = [c for c in with_fields(defined.columns) if PERSONAL.search(c.name) and c.type != "BOOL"]
        assert [c.name for c in named_so if not c.pii] == []

    def test_key_is_stated_and_cannot_be_all_null(self, defined: Table) -> None:
        modes = {c.name: c.mode for c in defined.columns}
        assert "REQUIRED" in {modes[key] for key in defined.primary_key}
        assert len(set(defined.primary_key)) == len(defined.primary_key)

    def test_partition_is_by_a_date_or_a_timestamp(self, defined: Table) -> None:
        types = {c.name: c.type for c in defined.columns}
        assert not defined.partition_field or types[defined.partition_field] in ("DATE", "TIMESTAMP")
        assert defined.partition_type in (None, "DAY", "MONTH")

    def test_sql_names_tables_that_exist_reads_no_clock_and_no_template(self, defined: Table) -> None:
        names = {t.name for t in tables()}
        datasets = "|".join(sorted({t.dataset for t in tables()}))
        for path in defined.folder.glob("*.sql"):
            text = without_comments(path.read_text())
            used = set(
                re.findall(rf"(?:FROM|JOIN|INTO|UPDATE|TABLE|MERGE)\s+`?((?:{datasets})\.\w+)", text, re.IGNORECASE)
            )
            assert used <= names, f"{path.name} names {sorted(used - names)}"
            assert not re.search(r"\bCURRENT_(DATE|TIMESTAMP|DATETIME|TIME)\b", text), f"{path.name} reads the clock"
            assert "{{" not in text and "{%" not in text, f"{path.name} is a template"


def without_comments(sql: str) -> str:
    return re.sub(r"/\*.*?\*/", "", re.sub(r"--[^\n]*", "", sql), flags=re.DOTALL)


def test_tables_are_all_folders_of_the_tree() -> None:
    assert [t.folder for t in tables()] == sorted(p for p in SQL_ROOT.glob("*/*") if p.is_dir())


def test_tables_when_created_in_the_warehouse_keep_their_columns(warehouse: bigquery.Client) -> None:
    for defined in tables():
        created = warehouse.get_table(defined.name)
        assert column_types([f.to_api_repr() for f in created.schema]) == column_types(defined.schema()), defined.name
