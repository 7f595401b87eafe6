"""docker-compose.yaml and Dockerfile as data: interpolated as Compose does it, and moved onto loopback."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yaml"
DOCKERFILE = ROOT / "Dockerfile"
ENV_EXAMPLE = ROOT / ".env.example"

_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::\?(?P<complaint>[^}]*))?\})")


def env_example() -> dict[str, str]:
    """Return the variables of .env.example with their values ('' for those that the user fills)."""
    lines = ENV_EXAMPLE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_env() -> dict[str, str]:
    """Return .env.example with every empty value filled the way its head says: 32 random bytes, URL-safe base64."""
    return {k: v or urlsafe_b64encode(secrets.token_bytes(32)).decode() for k, v in env_example().items()}


def variables() -> set[str]:
    """Return the names of the variables that docker-compose.yaml reads."""
    return {m["name"] for m in _REFERENCE.finditer(COMPOSE_FILE.read_text()) if m["name"]}


def compose(env: Mapping[str, str]) -> dict[str, Any]:
    """Return docker-compose.yaml with ``env`` filled in; raise ValueError for a required variable that is empty."""
    loaded: dict[str, Any] = _interpolated(yaml.safe_load(COMPOSE_FILE.read_text()), env)
    return loaded


def _interpolated(node: Any, env: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _interpolated(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolated(value, env) for value in node]
    return _REFERENCE.sub(lambda m: _value(m, env), node) if isinstance(node, str) else node


def _value(reference: re.Match[str], env: Mapping[str, str]) -> str:
    if reference["escaped"]:
        return "$"
    value = env.get(reference["name"], "")
    if not value and reference["complaint"] is not None:
        raise ValueError(f"{reference['name']}: {reference['complaint']}")
    return value


@dataclass(frozen=True)
class Stage:
    """One stage of the Dockerfile, with what it inherits."""

    env: dict[str, str]
    user: str


def stages() -> dict[str, Stage]:
    """Return the Dockerfile's named stages."""
    found: dict[str, Stage] = {}
    name = ""
    for line in DOCKERFILE.read_text().replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            parent = found.get(base, Stage({}, "root"))
            found[name] = Stage(dict(parent.env), parent.user)
        elif word == "ENV":
            found[name].env.update({key: value for key, _, value in (pair.partition("=") for pair in rest.split())})
        elif word == "USER":
            found[name] = Stage(found[name].env, rest.strip())
    return found


@dataclass(frozen=True)
class Loopback:
    """How a service's texts change when it runs here: ``host:port`` of a service, its own ports, and its paths."""

    ports: Mapping[str, Mapping[int, int]]  # service -> port in its container -> free port of this machine
    paths: Mapping[str, Path]  # path in the container -> path here

    def moved(self, service: str, text: str) -> str:
        """Return ``text``, taken from ``service``, as it must read on this machine."""
        for name, ports in self.ports.items():
            for there, here in ports.items():
                text = re.sub(rf"(?<![\w.-]){name}:{there}\b", f"127.0.0.1:{here}", text)
        for there, here in self.ports.get(service, {}).items():
            text = re.sub(rf"(?<![\w./-]){there}(?!\w)", str(here), text)
        for inside, outside in self.paths.items():
            text = text.replace(inside, str(outside))
        return text.replace("0.0.0.0", "127.0.0.1")
