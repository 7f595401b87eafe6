"""docker-compose.yaml, Dockerfile and .env.example: valid, closed to the network, unprivileged, pinned, complete."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jsonschema import Draft7Validator

from include.boards.sources import board_sources
from services.embedded.process import Service, python
from services.embedded.sandbox import Sandbox
from tests.deploy.compose_file import (
    COMPOSE_FILE,
    DOCKERFILE,
    ROOT,
    compose,
    env_example,
    filled_env,
    stages,
    variables,
)

SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
FILE = compose(filled_env())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"] == "no"}
OWN_IMAGE = "dental-gtm/"


def faults_of(file: dict[str, Any]) -> list[str]:
    """Return what the compose-spec schema refuses, each with its place."""
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in Draft7Validator(SCHEMA).iter_errors(file)]


def test_file_when_checked_against_compose_spec_has_no_fault() -> None:
    assert faults_of(FILE) == []


def test_schema_check_when_a_key_is_misspelt_names_its_place() -> None:
    wrong = {**FILE, "services": {**SERVICES, "redis": {**SERVICES["redis"], "helthcheck": {}}}}
    assert any(fault.startswith("services/redis:") and "helthcheck" in fault for fault in faults_of(wrong))


def test_services_are_exactly_the_parts_of_the_stack() -> None:
    assert set(SERVICES) == {
        "init", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "postgres", "redis",
        "bigquery", "gcs", "nppes-sample", "sandbox", "receiver",
    }  # fmt: skip
    assert {"init", "nppes-sample"} == ONE_SHOT


@pytest.mark.parametrize("name", sorted(SERVICES))
class TestEveryService:
    def test_has_a_health_check_unless_it_ends_by_itself(self, name: str) -> None:
        assert ("healthcheck" in SERVICES[name]) == (name not in ONE_SHOT)

    def test_runs_as_a_user_that_is_not_root(self, name: str) -> None:
        assert SERVICES[name]["user"].split(":")[0] not in ("", "0", "root")

    def test_can_gain_no_privilege(self, name: str) -> None:
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
        assert not SERVICES[name].get("privileged", False)

    def test_image_is_pinned_to_a_full_version(self, name: str) -> None:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"])

    def test_ports_are_published_on_loopback_only(self, name: str) -> None:
        for port in SERVICES[name].get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), f"{name} publishes {port}"

    def test_waits_for_services_that_can_reach_the_awaited_condition(self, name: str) -> None:
        for other, wait in SERVICES[name].get("depends_on", {}).items():
            assert other in SERVICES
            expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert wait["condition"] == expected, f"{name} waits for {other}"

    def test_named_volumes_and_configs_are_declared(self, name: str) -> None:
        volumes = {volume.split(":")[0] for volume in SERVICES[name].get("volumes", [])}
        configs = {config["source"] for config in SERVICES[name].get("configs", [])}
        assert volumes <= set(FILE["volumes"])
        assert configs <= set(FILE["configs"])

    def test_built_image_is_a_stage_of_the_dockerfile_that_is_not_root(self, name: str) -> None:
        service = SERVICES[name]
        assert ("build" in service) == service["image"].startswith(OWN_IMAGE)
        if "build" in service:
            target = service["build"]["target"]
            assert service["image"].startswith(f"{OWN_IMAGE}{target}:")
            assert stages()[target].user == service["user"]


def test_receiver_keeps_what_the_store_did_not_take_on_a_volume_that_its_user_owns() -> None:
    folder = SERVICES["receiver"]["environment"]["WEBHOOK_SPOOL"]
    assert f"webhook-spool:{folder}" in SERVICES["receiver"]["volumes"]
    assert re.search(rf"--owner gtm .*{folder}$", DOCKERFILE.read_text(), re.MULTILINE)


def test_published_ports_when_all_services_run_do_not_clash() -> None:
    published = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(set(published)) == len(published) > 0


def test_variables_of_the_file_are_exactly_those_of_env_example() -> None:
    assert variables() == set(env_example())


def test_every_variable_of_env_example_has_a_comment_in_its_block() -> None:
    for block in (ROOT / ".env.example").read_text().split("\n\n"):
        assert block.startswith("#"), f"no comment above {block.splitlines()[0]}"


def test_interpolation_when_a_secret_is_left_empty_says_where_to_look() -> None:
    with pytest.raises(ValueError, match=r"_KEY|_SECRET|_PASSWORD.*\.env\.example"):
        compose(env_example())


def test_secrets_stand_in_no_committed_file() -> None:
    for name in ("AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_API_SECRET_KEY", "AIRFLOW_ADMIN_PASSWORD",
                 "POSTGRES_PASSWORD", "REDIS_PASSWORD"):  # fmt: skip
        assert env_example()[name] == ""


PAGER = "pager_default"
CONNECTIONS: dict[str, dict[str, Any]] = json.loads(FILE["configs"]["airflow-connections"]["content"])


def test_connections_point_at_services_of_the_stack() -> None:
    boards = {source.name for source in board_sources()}
    vendors = boards | {
        "nppes", "wiza", "apollo", "clay", "twilio", "usps", "addy", "ghl", "instantly", "google_ads", "meta_ads", "ttd", "leadfeeder",
    }  # fmt: skip
    assert set(CONNECTIONS) == {f"{vendor}_default" for vendor in vendors} | {PAGER}
    for conn_id in CONNECTIONS.keys() - {PAGER}:
        assert CONNECTIONS[conn_id]["host"].startswith("http://sandbox:8100/")


def test_pager_writes_into_a_volume_that_every_airflow_process_has() -> None:
    """A task's failure is told where the task ran; that of a process that died, in the DAG processor."""
    folder = str(Path(CONNECTIONS[PAGER]["extra"]["path"]).parent)
    for name in ("worker", "dag-processor", "triggerer", "scheduler"):
        assert f"airflow-logs:{folder}" in SERVICES[name]["volumes"], name


def test_connections_when_a_key_is_to_be_corrected_stand_in_airflows_database_and_in_no_environment() -> None:
    for service in SERVICES.values():
        named = {key for key in service.get("environment", {}) if key.startswith("AIRFLOW_CONN_")}
        assert named <= {"AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"}, "an environment variable would hide the UI's value"
    assert "airflow connections import /run/airflow-connections.json\n" in SERVICES["init"]["command"][-1]


def test_connections_have_the_shape_that_the_embedded_stack_gives_the_hooks() -> None:
    embedded = Sandbox(cast(Service, SimpleNamespace(url="http://sandbox:8100")), Path()).connections()
    assert set(embedded) == set(CONNECTIONS) - {PAGER}
    for conn_id, connection in embedded.items():
        assert without_pace(CONNECTIONS[conn_id]) == without_pace(connection), conn_id


def without_pace(connection: dict[str, Any]) -> dict[str, Any]:
    """Return a connection without requests_per_second, which each environment sets to its own plan."""
    extra = {key: value for key, value in connection.get("extra", {}).items() if key != "requests_per_second"}
    return {**connection, "extra": extra}


def test_configs_are_json() -> None:
    for name, config in FILE["configs"].items():
        assert isinstance(json.loads(config["content"]), dict), name


def test_webhook_key_of_env_example_is_the_one_that_the_sandbox_signs_with() -> None:
    code = "from services.sandbox.webhooks import *; print(public_key(signing_key({}, None)))"
    printed = subprocess.run(
        [python("services"), "-c", code.format(env_example()["SANDBOX_SEED"])],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert printed.strip() in env_example()["GHL_WEBHOOK_PUBLIC_KEYS"].split(",")


def test_dockerfile_installs_from_hashed_locks_only() -> None:
    text = DOCKERFILE.read_text()
    assert text.count("pip install") == text.count("pip install --require-hashes") == 3
    for lock in re.findall(r"requirements/\w+\.txt", text):
        assert "--hash=sha256:" in (ROOT / lock).read_text()


def test_dockerfile_copies_only_what_dockerignore_lets_through_and_what_exists() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE.read_text(), re.MULTILINE):
        assert (ROOT / source).exists(), source
        assert any(source.split("/")[0] == entry.split("/")[0] for entry in allowed), source
    assert ".env" not in allowed


def test_watched_paths_exist() -> None:
    for watch in SERVICES["worker"]["develop"]["watch"]:
        assert (COMPOSE_FILE.parent / watch["path"]).exists()
