"""Airflow's database, with its history, is kept between starts; whoever is killed while it is made, or finds it damaged, loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from services.embedded import airflow
from services.embedded.airflow import DATABASE, prepared_airflow
from services.embedded.process import StartError

Commands = list[list[str]]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What Airflow's own commands were asked; `db migrate` makes, or goes on with, the database that it is pointed at."""
    asked: Commands = []

    def run(command: Path, arguments: list[str], env: Mapping[str, str], state: Path) -> None:
        asked.append(arguments[:2])
        if arguments == ["db", "migrate"]:
            with closing(sqlite3.connect(env[DATABASE].removeprefix("sqlite:///"))) as database:
                database.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
                database.execute("CREATE TABLE IF NOT EXISTS dag_run (id INT)")
                database.commit()

    monkeypatch.setattr(airflow, "_run", run)
    monkeypatch.setattr(airflow, "_pools", lambda env: "{}")
    monkeypatch.setattr(airflow, "_command", lambda: Path("airflow"))
    monkeypatch.setattr(airflow.metadata, "version", lambda _: "3.3.2")
    return asked


def runs(home: Path) -> int:
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        return int(database.execute("SELECT COUNT(*) FROM dag_run").fetchone()[0])


def add_run(home: Path) -> None:
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        database.execute("INSERT INTO dag_run VALUES (1)")
        database.commit()


def test_prepared_airflow_when_nothing_changed_then_the_second_start_asks_nothing_and_keeps_the_history(
    tmp_path: Path, commands: Commands
) -> None:
    home = prepared_airflow(tmp_path)
    add_run(home)
    assert commands == [["db", "migrate"], ["pools", "import"]]
    prepared_airflow(tmp_path)
    assert len(commands) == 2
    assert runs(home) == 1


def test_prepared_airflow_when_airflow_is_another_version_then_the_history_is_migrated(
    tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(prepared_airflow(tmp_path))
    monkeypatch.setattr(airflow.metadata, "version", lambda _: "3.4.0")
    assert runs(prepared_airflow(tmp_path)) == 1
    assert commands.count(["db", "migrate"]) == 2


def test_prepared_airflow_when_a_migration_fails_then_the_database_is_the_one_that_it_was(
    tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = prepared_airflow(tmp_path)
    add_run(home)
    monkeypatch.setattr(airflow.metadata, "version", lambda _: "3.4.0")

    def broken(command: Path, arguments: list[str], env: Mapping[str, str], state: Path) -> None:
        with closing(sqlite3.connect(env[DATABASE].removeprefix("sqlite:///"))) as database:
            database.execute("DROP TABLE dag_run")
        raise StartError("airflow db migrate ended with code 1")

    working: Callable[..., None] = airflow._run
    monkeypatch.setattr(airflow, "_run", broken)
    with pytest.raises(StartError, match="db migrate ended"):
        prepared_airflow(tmp_path)
    assert runs(home) == 1
    monkeypatch.setattr(airflow, "_run", working)
    assert runs(prepared_airflow(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_prepared_airflow_when_the_database_is_damaged_then_the_error_names_it_and_fresh(
    tmp_path: Path, commands: Commands, content: bytes
) -> None:
    home = prepared_airflow(tmp_path)
    (home / "airflow.db").write_bytes(content)
    with pytest.raises(StartError, match=r"(?s)airflow\.db cannot be read.*FRESH=1"):
        prepared_airflow(tmp_path)


def test_secrets_when_airflow_starts_again_then_they_are_the_same(tmp_path: Path, commands: Commands) -> None:
    home = prepared_airflow(tmp_path)
    before = airflow._settings(home, 1)
    prepared_airflow(tmp_path)
    after = airflow._settings(home, 1)
    names = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
    assert [after[name] for name in names] == [before[name] for name in names]
    assert len({before[name] for name in names}) == 2
