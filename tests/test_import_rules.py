"""Who may import whom (DESIGN.md, section 3), read from the files themselves: nothing is imported to find out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = {"include", "hooks", "operators", "triggers", "notifiers", "ml", "expectations", "services", "tests", "bench"}
# Slow to import, so a file that Airflow parses every minute loads them inside the function that needs them.
HEAVY = {"great_expectations", "lightgbm", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "sklearn"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "pendulum.now",
          "pendulum.today", "timezone.utcnow"}  # fmt: skip
DYNAMIC = {"import_module", "__import__"}
SECOND_COPY = "{}: import it without its folder's name; a second copy would exist, and `except` would miss its errors"


# The one file that takes the provider's hooks: those that it makes of them say what they wait for, and end the wait.
GOOGLE = "include/airflow/google.py"


@dataclass(frozen=True)
class Room:
    """What one room may import. ``own`` and ``airflow`` are closed lists; ``never`` names other packages, refused.

    own: rooms of this repository. lazily: rooms allowed inside functions only. airflow: dotted prefixes.
    never: packages refused everywhere. heavy_inside: heavy libraries are allowed inside functions only.
    """

    own: frozenset[str]
    lazily: frozenset[str] = frozenset()
    airflow: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    heavy_inside: bool = False


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


SDK = ("airflow.sdk", "airflow.providers")
ROOMS = {
    "dags": Room(_set("operators", "include"), airflow=(*SDK, "airflow.timetables"),
                 never=_set("httpx", "requests", *HEAVY)),
    "operators": Room(_set("operators", "hooks", "triggers", "include"), lazily=_set("ml", "expectations"), airflow=SDK,
                      never=_set("requests"), heavy_inside=True),
    "triggers": Room(_set("hooks", "include"), airflow=("airflow.sdk", "airflow.triggers"),
                     never=_set("google", "requests", *HEAVY)),
    "notifiers": Room(_set("hooks", "include"), airflow=("airflow.sdk",), never=_set("google", "requests", *HEAVY)),
    # Mail goes through Airflow's own provider.
    "hooks": Room(_set("hooks", "include"), airflow=("airflow.sdk", "airflow.providers.smtp"), never=_set("google", "requests", *HEAVY)),
    "include/airflow": Room(_set("include", "notifiers"), airflow=(*SDK, "airflow.timetables"), never=_set("httpx", "requests"),
                              heavy_inside=True),
    # Google's clients speak through requests: what they wait for is seen there, and no call is made of it.
    "include/warehouse/google_waits": Room(_set("include"), never=_set("great_expectations", "lightgbm", "sklearn", "httpx")),
    "include": Room(_set("include"), never=_set("great_expectations", "lightgbm", "sklearn", "httpx", "requests"),
                    heavy_inside=False),
    "ml": Room(_set("ml", "include"), never=_set("google", "great_expectations", "httpx", "requests")),
    "expectations": Room(_set("expectations", "include"), never=_set("google", "httpx", "lightgbm", "sklearn")),
    "services": Room(_set("services", "include"), never=_set("great_expectations", "lightgbm", "sklearn")),
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    at_module_level: bool


def room_of(path: str) -> str | None:
    """Return the room of a file (path relative to the repository), or None for tests and the like."""
    if path.startswith("include/airflow/"):
        return "include/airflow"
    if path == "include/warehouse/google_waits.py":
        return "include/warehouse/google_waits"
    return next((name for name in ROOMS if path.removeprefix("plugins/").startswith(f"{name}/")), None)


def faults(path: str, source: str) -> list[str]:
    """Return what breaks a rule in one file, each as ``path:line: what, and what to do``."""
    tree = ast.parse(source)
    found = [*imports(tree)]
    said = [(i.line, SECOND_COPY.format(i.module)) for i in found if i.module.split(".")[0] in ("plugins", "dags")]
    name = room_of(path)
    if name:
        said += [(i.line, text) for i in found if (text := complaint(name, ROOMS[name], i))]
    if name == "operators":
        said += [(i.line, f"{i.module} is another operator: what both need goes into include or a hook")
                 for i in found if i.module.startswith("operators.") and not i.module.startswith("operators.asking")]  # fmt: skip
    if name and path != GOOGLE:
        said += [(i.line, f"take the hook or operator from include.airflow.google, not from {i.module}: its waits have an end")
                 for i in found if i.module.startswith("airflow.providers.google")]  # fmt: skip
    if name == "dags":
        said += [(line, f"{call}() runs each time the file is parsed: pass the value in at run time")
                 for call, line in calls_at_parse_time(tree)]  # fmt: skip
    return [f"{path}:{line}: {text}" for line, text in sorted(said)]


def complaint(name: str, room: Room, imported: Import) -> str:
    """Return why ``imported`` may not stand in ``room``, or ''."""
    module = imported.module
    top = module.split(".")[0]
    if top == "airflow":
        if not room.airflow:
            return f"{name} imports no Airflow ({module})"
        if not any(f"{module}.".startswith(f"{prefix}.") for prefix in room.airflow):
            return f"{name} imports Airflow only as {', '.join(room.airflow)}, not {module}"
    if top in OWN and top not in room.own:
        if top not in room.lazily:
            return f"{name} may not import {top} ({module})"
        if imported.at_module_level:
            return f"{name} imports {top} inside the function that needs it, not at module level"
    if top in room.never:
        return f"{name} never imports {top}"
    if top in HEAVY and room.heavy_inside and imported.at_module_level:
        return f"{name} imports {top} inside the function that needs it, not at module level"
    return ""


def imports(tree: ast.Module) -> Iterator[Import]:
    for node, is_run_at_import in walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno, is_run_at_import) for alias in names)
            case ast.ImportFrom(module="airflow" | "plugins" as module, names=names):
                # `from airflow import sdk` imports airflow.sdk.
                yield from (Import(f"{module}.{alias.name}", node.lineno, is_run_at_import) for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield Import(module, node.lineno, is_run_at_import)
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if _last_name(node.func) in DYNAMIC:
                yield Import(module, node.lineno, is_run_at_import)


def _last_name(function: ast.expr) -> str:
    return ast.unparse(function).split(".")[-1]


def calls_at_parse_time(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node, is_run_at_import in walk(tree):
        if isinstance(node, ast.Call) and is_run_at_import:
            call = ".".join(ast.unparse(node.func).split(".")[-2:])
            if call in CLOCKS | {"Variable.get", "Connection.get", "BaseHook.get_connection"}:
                yield call, node.lineno


def walk(node: ast.AST, is_run_at_import: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node with whether it runs when the module is imported (not in a function, not for type checkers)."""
    for child in ast.iter_child_nodes(node):
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _is_body(node, child)
        deferred |= isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and child in node.body
        runs = is_run_at_import and not deferred
        yield child, runs
        yield from walk(child, runs)


def _is_body(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, child: ast.AST) -> bool:
    # Decorators and defaults run at import; the body does not.
    return child is function.body if isinstance(function, ast.Lambda) else child in function.body


def python_files() -> list[str]:
    folders = ("dags", "plugins", "include", "expectations", "ml", "services", "tests", "bench", "bi")
    return [str(p.relative_to(ROOT)) for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", python_files())
def test_file_when_read_breaks_no_rule(path: str) -> None:
    assert faults(path, (ROOT / path).read_text()) == []


def test_files_are_found_in_every_room() -> None:
    assert {room_of(path) for path in python_files()} == {*ROOMS, None}


def test_folders_under_dags_do_not_shadow_rooms() -> None:
    assert {p.name for p in (ROOT / "dags").rglob("*") if p.is_dir()} & (OWN | {"plugins", "dags"}) == set()


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("dags/clean/a.py", "from hooks.wiza import WizaHook", "dags may not import hooks"),
        ("dags/clean/a.py", "import ml.lead_score", "dags may not import ml"),
        ("dags/clean/a.py", "import pandas as pd", "dags never imports pandas"),
        ("dags/clean/a.py", "def f():\n    import lightgbm", "dags never imports lightgbm"),
        ("dags/clean/a.py", "from dags.clean.b import dag", "without its folder's name"),
        ("dags/clean/a.py", "from airflow.models import DAG", "dags imports Airflow only as airflow.sdk"),
        ("dags/clean/a.py", "from airflow import models", "not airflow.models"),
        ("dags/clean/a.py", "from airflow.sdk import Variable\nX = Variable.get('x')", "Variable.get() runs each time"),
        ("dags/clean/a.py", "import datetime\nX = datetime.datetime.now()", "datetime.now() runs each time"),
        ("dags/clean/a.py", "def f(x=date.today()): ...", "date.today() runs each time"),
        ("plugins/operators/a.py", "from ml.lead_score import fit", "operators imports ml inside the function"),
        ("plugins/operators/a.py", "from expectations.rules import rules", "operators imports expectations inside"),
        ("plugins/operators/a.py", "import pandas", "operators imports pandas inside the function"),
        ("plugins/operators/a.py", "from operators.gate import GateOperator", "operators.gate is another operator"),
        ("plugins/operators/a.py", "from services.webhooks import inbox", "operators may not import services"),
        ("plugins/operators/a.py", "from plugins.hooks.wiza import WizaHook", "without its folder's name"),
        ("plugins/operators/a.py", "from airflow.models import BaseOperator", "not airflow.models"),
        ("plugins/triggers/a.py", "from operators.gate import GateOperator", "triggers may not import operators"),
        ("plugins/triggers/a.py", "from google.cloud import storage", "triggers never imports google"),
        ("plugins/notifiers/a.py", "from operators.gate import GateOperator", "notifiers may not import operators"),
        ("plugins/notifiers/a.py", "import airflow.providers.slack.hooks.slack", "notifiers imports Airflow only as"),
        ("include/a.py", "from notifiers.pager import PagerNotifier", "include may not import notifiers"),
        ("plugins/hooks/a.py", "import pandas", "hooks never imports pandas"),
        ("plugins/hooks/a.py", "from google.cloud import storage", "hooks never imports google"),
        ("plugins/hooks/a.py", "from operators.gate import GateOperator", "hooks may not import operators"),
        ("plugins/hooks/a.py", "import airflow.providers.http.hooks.http", "hooks imports Airflow only as"),
        ("include/a.py", "from airflow.sdk import DAG", "include imports no Airflow"),
        ("include/a.py", "from hooks.http.errors import VendorError", "include may not import hooks"),
        ("include/a.py", "from ml import registry", "include may not import ml"),
        ("include/a.py", "import services.embedded", "include may not import services"),
        ("include/a.py", "import httpx", "include never imports httpx"),
        ("include/airflow/a.py", "from operators.gate import GateOperator", "may not import operators"),
        ("include/airflow/a.py", "from airflow.models import Pool", "not airflow.models"),
        ("include/airflow/a.py", "from airflow.providers.google.cloud.operators.bigquery import X", "its waits have an end"),
        ("plugins/operators/a.py", "from airflow.providers.google.cloud.hooks.gcs import GCSHook", "its waits have an end"),
        ("include/airflow/a.py", "import pandas", "imports pandas inside the function"),
        ("ml/a.py", "from airflow.sdk import task", "ml imports no Airflow"),
        ("ml/a.py", "def f():\n    import airflow", "ml imports no Airflow"),
        ("ml/a.py", "from hooks.wiza import WizaHook", "ml may not import hooks"),
        ("ml/a.py", "from google.cloud import bigquery", "ml never imports google"),
        ("expectations/clean/a.py", "from airflow.sdk import task", "expectations imports no Airflow"),
        ("expectations/clean/a.py", "from operators.gate import GateOperator", "expectations may not import operators"),
        ("services/webhooks/a.py", "from airflow.sdk import Connection", "services imports no Airflow"),
        ("services/webhooks/a.py", "from hooks.ghl import GhlHook", "services may not import hooks"),
        ("services/webhooks/a.py", "importlib.import_module('ml.registry')", "services may not import ml"),
        ("tests/dags/test_a.py", "import plugins.hooks.wiza", "without its folder's name"),
    ],
)  # fmt: skip
def test_rule_when_broken_says_so(path: str, source: str, said: str) -> None:
    (fault,) = faults(path, source)
    assert fault.startswith(f"{path}:") and said in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("dags/clean/a.py", "from airflow.sdk import DAG\nfrom operators.gate import GateOperator"),
        ("dags/clean/a.py", "@task\ndef f():\n    return datetime.now(UTC)"),
        ("plugins/operators/a.py", "def execute(self, context):\n    import pandas\n    from ml.lead_score import fit"),
        ("plugins/operators/a.py", "if TYPE_CHECKING:\n    import pandas"),
        (
            "plugins/hooks/a.py",
            "import httpx\nfrom hooks.http.errors import VendorError\nfrom airflow.sdk import BaseHook",
        ),
        ("ml/a.py", "import pandas\nimport lightgbm\nfrom include.warehouse.tables import table"),
        ("include/airflow/a.py", "from airflow.sdk import Asset"),
        ("include/airflow/google.py", "from airflow.providers.google.cloud.hooks.gcs import GCSHook"),
        ("include/warehouse/google_waits.py", "import requests"),
        ("services/webhooks/a.py", "from include.events.inbox import InboxEvent\nimport starlette"),
    ],
)
def test_rule_when_kept_is_silent(path: str, source: str) -> None:
    assert faults(path, source) == []
