"""Contracts: a vendor's OpenAPI file, read once. Every request that comes in is held against its operation.

The files in contracts/ are trimmed copies (only what the sandbox serves) and keep their x-confidence marks.
Schemas are judged by jsonschema in the OpenAPI dialect of the file (3.0 or 3.1); nothing here re-implements a keyword.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import FormatChecker
from jsonschema.protocols import Validator
from openapi_schema_validator import (  # type: ignore[import-not-found]
    OAS30ReadValidator,
    OAS30WriteValidator,
    OAS31Validator,
)
from referencing import Registry
from referencing.jsonschema import DRAFT202012

CONTRACTS = Path(__file__).parent / "contracts"
METHODS = ("get", "post", "put", "patch", "delete")
BASE = "urn:contract"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Problem:
    """One reason why a request is not in the contract. `name`: the parameter, or the JSON path inside the body."""

    place: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}{'/' + self.name if self.name else ''}: {self.message}"


@dataclass(frozen=True)
class Parameter:
    """A path, query or header parameter. `kind` is the JSON type that the text is read as."""

    name: str
    place: str
    required: bool
    kind: str
    validator: Validator

    def problem(self, given: Mapping[str, str]) -> Problem | None:
        text = given.get(self.name)
        if text is None:
            return Problem(self.place, self.name, "is required") if self.required else None
        try:
            # A list is its name given again and again, which only the query's own class knows.
            value = given.getlist(self.name) if self.kind == "array" else _read(text, self.kind)  # type: ignore[attr-defined]
        except ValueError:
            return Problem(self.place, self.name, f"must be {self.kind}")
        error = next(iter(self.validator.iter_errors(value)), None)
        return Problem(self.place, self.name, error.message) if error else None


@dataclass(frozen=True)
class Operation:
    """One method on one path, with the validators of what goes in and what comes out.

    declared: what a request may say, as `query/page`, `header/Version`, `body/items[].id`; `body/inputs.*` is whatever it likes.
    """

    id: str
    method: str
    path: str
    parameters: list[Parameter]
    body: Validator | None
    body_required: bool
    replies: dict[int, Validator]
    declared: frozenset[str]

    def problems(
        self, path: Mapping[str, str], query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> list[Problem]:
        """Why the contract refuses this request; empty when it does not. `headers` must look names up without case."""
        sources = {"path": path, "query": query, "header": headers}
        found = [p.problem(sources[p.place]) for p in self.parameters if p.place in sources]
        return [problem for problem in found if problem] + self._body_problems(headers, body)

    def _body_problems(self, headers: Mapping[str, str], body: bytes) -> list[Problem]:
        if self.body is None:
            return []
        if not body:
            return [Problem("body", "", "a JSON body is required")] if self.body_required else []
        if "json" not in headers.get("content-type", ""):
            return [Problem("header", "Content-Type", "must be application/json")]
        try:
            document = json.loads(body)
        except ValueError as error:
            return [Problem("body", "", f"is not JSON: {error}")]
        errors = sorted(self.body.iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
        return [Problem("body", "/".join(map(str, error.absolute_path)), error.message[:300]) for error in errors[:20]]


@dataclass(frozen=True)
class Contract:
    """A vendor's operations by operation id, and the whole document, for what an extension (x-…) tells."""

    name: str
    operations: dict[str, Operation]
    document: Mapping[str, Any]

    def operation(self, operation_id: str) -> Operation:
        if operation_id not in self.operations:
            raise KeyError(f"{self.name} has no operation {operation_id!r}; it has {sorted(self.operations)}")
        return self.operations[operation_id]


@cache
def contract(file_name: str) -> Contract:
    """The contract in contracts/<file_name>. Read once a process: parsing the YAML takes a second."""
    text = (CONTRACTS / file_name).read_text(encoding="utf-8")
    document = json.loads(text) if file_name.endswith(".json") else yaml.load(text, Loader=LOADER)  # noqa: S506
    reader = _Reader(document)
    operations = [
        reader.operation(path, method)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    return Contract(file_name, {operation.id: operation for operation in operations}, document)


class _Reader:
    """Builds validators that point into one document, so that its $refs resolve."""

    def __init__(self, document: dict[str, Any]) -> None:
        resource = DRAFT202012.create_resource(document)
        self.document = document
        self.registry: Registry[Any] = Registry().with_resource(BASE, resource)
        self.is_30 = document["openapi"].startswith("3.0")

    def operation(self, path: str, method: str) -> Operation:
        pointer = f"#/paths/{_escape(path)}/{method}"
        item = self.document["paths"][path][method]
        bodies = item.get("requestBody", {}).get("content", {})
        body_pointer = f"{pointer}/requestBody/content/application~1json/schema"
        replies = {
            int(status): validator
            for status in item["responses"]
            if (validator := self._reply(pointer, status)) is not None
        }
        return Operation(
            id=item["operationId"],
            method=method.upper(),
            path=path,
            parameters=[
                self._parameter(f"{pointer}/parameters/{number}") for number in range(len(item.get("parameters", [])))
            ],
            # Forms are judged by who reads them: their fields are text.
            body=self._validator(body_pointer, incoming=True) if "application/json" in bodies else None,
            body_required=item.get("requestBody", {}).get("required", False),
            replies=replies,
            declared=frozenset(self._declared(item)),
        )

    def _declared(self, item: dict[str, Any]) -> Iterator[str]:
        for parameter in item.get("parameters", []):
            parameter = self._at(parameter["$ref"]) if "$ref" in parameter else parameter
            if parameter["in"] != "path":
                yield f"{parameter['in']}/{parameter['name']}"
        for scheme in self.document.get("components", {}).get("securitySchemes", {}).values():
            if scheme.get("in") == "query":
                yield f"query/{scheme['name']}"
        for form in item.get("requestBody", {}).get("content", {}).values():
            for path in self._fields(form["schema"], "", frozenset()):
                yield f"body/{path}"

    def _fields(self, schema: dict[str, Any], path: str, seen: frozenset[str]) -> Iterator[str]:
        """The paths of everything that a schema names; `.*` below an object that names nothing."""
        if "$ref" in schema:
            reference = schema["$ref"]
            if reference not in seen:  # a schema that holds itself goes no deeper
                yield from self._fields(self._at(reference), path, seen | {reference})
            return
        parts = [part for word in ("allOf", "oneOf", "anyOf") for part in schema.get(word, [])]
        for part in parts:
            yield from self._fields(part, path, seen)
        for name, inner in schema.get("properties", {}).items():
            below = f"{path}.{name}" if path else name
            yield below
            yield from self._fields(inner, below, seen)
        if isinstance(schema.get("items"), dict):
            yield from self._fields(schema["items"], f"{path}[]", seen)
        names_nothing = "object" in schema.get("type", ()) and not schema.get("properties") and not parts
        if schema.get("additionalProperties", names_nothing) is not False:
            yield f"{path}.*" if path else "*"

    def _parameter(self, pointer: str) -> Parameter:
        item = self._at(pointer)
        if "$ref" in item:
            pointer = item["$ref"]
            item = self._at(pointer)
        return Parameter(
            name=item["name"],
            place=item["in"],
            required=item.get("required", False),
            kind=str(item["schema"].get("type", "string")),
            validator=self._validator(f"{pointer}/schema", incoming=True),
        )

    def _reply(self, pointer: str, status: str) -> Validator | None:
        reply_pointer = f"{pointer}/responses/{status}"
        reply = self._at(reply_pointer)
        if "$ref" in reply:
            reply_pointer = reply["$ref"]
            reply = self._at(reply_pointer)
        if "application/json" not in reply.get("content", {}):
            return None
        return self._validator(f"{reply_pointer}/content/application~1json/schema", incoming=False)

    def _validator(self, pointer: str, *, incoming: bool) -> Validator:
        older = OAS30WriteValidator if incoming else OAS30ReadValidator
        kind: Any = older if self.is_30 else OAS31Validator
        validator: Validator = kind({"$ref": BASE + pointer}, registry=self.registry, format_checker=FormatChecker())
        return validator

    def _at(self, pointer: str) -> Any:
        node: Any = self.document
        for part in pointer.removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            node = node[int(key)] if isinstance(node, list) else node[key]
        return node


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _read(text: str, kind: str) -> Any:
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    return text
