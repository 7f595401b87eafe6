"""What the sandbox models of each operation, by modeled.yaml: whatever else a request says is refused, never ignored.

A contract declares what the vendor reads. modeled.yaml declares what of it the sandbox reads, too: `modeled` changes what happens,
`kept` is stored and told back and changes nothing else. docs/sandbox.md shows both, and what is left: made by `python -m services.sandbox.modeled`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from starlette.datastructures import QueryParams

from services.sandbox.contract import Contract, contract

DECLARATION = Path(__file__).parent / "modeled.yaml"
PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


@dataclass(frozen=True)
class Modeled:
    """What the sandbox reads of one operation, named as in Operation.declared; `name=value` reads a name with that value only."""

    modeled: frozenset[str]
    kept: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.partition("=")[0] for one in self.modeled | self.kept)

    def unread(self, given: Iterable[tuple[str, Any]]) -> list[str]:
        """What a request says that the sandbox does not read, in order, each once; with its value where only others are read."""
        read = self.modeled | self.kept
        limited = {one.partition("=")[0] for one in read if "=" in one}
        found = []
        for name, value in given:
            if not is_among(name, self.names):
                found.append(name)
            elif name in limited and f"{name}={_text(value)}" not in read:
                found.append(f"{name}={_text(value)}")
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class VendorModel:
    """One vendor. unknown: whether it is known to `refuse` a body field that its contract does not declare, else empty."""

    contract: Contract
    unknown: str
    operations: Mapping[str, Modeled]


def is_among(name: str, names: frozenset[str]) -> bool:
    """Whether a name is one of the names, leads to one of them, or stands below one that takes everything."""
    if name in names:
        return True
    for one in names:
        if one.startswith((f"{name}.", f"{name}[]")) or (one.endswith("*") and name.startswith(one[:-1])):
            return True
    return False


def given_names(
    query: QueryParams, headers: Mapping[str, str], declared: frozenset[str], document: Any
) -> Iterator[tuple[str, Any]]:
    """What a request says, with its values. Of its headers those that the contract declares: clients send others to nobody."""
    for name in sorted(declared):
        if name.startswith("header/") and name.removeprefix("header/") in headers:
            yield name, headers[name.removeprefix("header/")]
    for name, value in query.multi_items():
        yield f"query/{name}", value
    for path, value in _paths(document, ""):
        yield f"body/{path}", value


@cache
def vendor_model(vendor: str) -> VendorModel:
    """What is declared of a vendor. ValueError where the declaration and the vendor's contract do not fit together."""
    declared = _declaration()[vendor]
    of = contract(declared["contract"])
    operations = {
        name: Modeled(*(frozenset(item.get(part) or ()) for part in ("modeled", "kept")))
        for name, item in declared["operations"].items()
    }
    if set(operations) != set(of.operations):
        raise ValueError(
            f"modeled.yaml: {vendor}: {sorted(set(operations) ^ set(of.operations))} stand in one of it and {of.name} only"
        )
    for name, item in operations.items():
        strange = [
            one for one in sorted(item.names) if not is_among(one.removesuffix(".*"), of.operations[name].declared)
        ]
        if strange:
            raise ValueError(f"modeled.yaml: {vendor} {name}: {of.name} does not declare {strange}")
    return VendorModel(of, declared.get("unknown", ""), operations)


def page() -> str:
    """The text of docs/sandbox.md."""
    lines = [INTRODUCTION]
    for vendor in _declaration():
        model = vendor_model(vendor)
        lines.append(f"\n## {vendor}, by `{model.contract.name}`\n")
        if model.unknown:
            lines.append("A body field that the contract does not declare is refused as the vendor refuses it.\n")
        lines.append("| Operation | Modeled | Kept and told back | Not modeled: refused |")
        lines.append("|---|---|---|---|")
        for name, operation in model.contract.operations.items():
            item = model.operations[name]
            left = frozenset(one for one in operation.declared if not is_among(one, item.names))
            cells = [_cell(names) for names in (item.modeled, item.kept, left)]
            lines.append(f"| `{operation.method} {operation.path}` {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


def _paths(document: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(document, Mapping):
        for name, value in document.items():
            below = f"{path}.{name}" if path else str(name)
            yield below, value
            yield from _paths(value, below)
    elif isinstance(document, list):
        for item in document:
            yield from _paths(item, f"{path}[]")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _declaration() -> dict[str, Any]:
    declaration: dict[str, Any] = yaml.safe_load(DECLARATION.read_text(encoding="utf-8"))
    return declaration


INTRODUCTION = """# What the sandbox models

<!-- Made by `python -m services.sandbox.modeled` from services/sandbox/modeled.yaml and the contracts; a test compares. -->

The sandbox holds every request against the vendor's contract. What the contract refuses is refused as the vendor refuses it. What the
contract allows and the sandbox does not model is refused, too: status 501 in the vendor's own error shape, with a message that begins
"not modeled" and names each parameter, header or body field. Nothing is ignored, so a run that is green here has asked for nothing that the
sandbox left out. The same goes for an address below a vendor's prefix that is no operation here: 404.

`query/page` is a parameter of the address (Meta and Apollo read it from a body, too), `header/Version` a header, `body/items[].id` a field
of each item of a list, `body/inputs.*` everything below. Headers that no contract declares are read by nobody. Operations of the contract that are missing
here have no route. What the sandbox's world does with what is modeled stands in services/sandbox/README.md.

The state boards have no contract. Their Socrata data sets (WA, IL, CT, CO) model `$select`, `$where`, `$order`, `$limit` and `$offset` as
far as `services/sandbox/soda.py` says, and a column's name as a filter; `$group`, `$having`, `$q`, `$query` and functions are not modeled."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
