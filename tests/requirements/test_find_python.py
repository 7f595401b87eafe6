"""Python 3.13 is found where it is: on PATH, under pyenv, by uv; else one line says how to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "requirements" / "find_python.sh"
GOOD = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
OTHER_VERSION = "#!/bin/sh\nexit 1\n"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def found(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the script where nothing but a shell and ``home/bin`` is on PATH."""
    tools = home / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "ls", "sort"):
        (tools / name).symlink_to(next(p for p in (Path("/bin") / name, Path("/usr/bin") / name) if p.exists()))
    env = {"PATH": f"{home / 'bin'}:{tools}", "HOME": str(home), "PYENV_ROOT": str(home / ".pyenv")}
    return subprocess.run(
        ["bash", SCRIPT, *arguments], env=env, capture_output=True, text=True, executable=tools / "bash"
    )


# Which of these a machine has must not decide; this test's Python says what it is.
SYSTEM = [Path("/opt/homebrew/bin/python3.13"), Path("/usr/local/bin/python3.13"), Path("/usr/bin/python3.13")]


@pytest.mark.parametrize(
    "place", ["bin/python3.13", "bin/python3", ".pyenv/versions/3.13.5/bin/python", ".local/share/uv/python/cpython-3.13.5-linux/bin/python3.13"]
)  # fmt: skip
def test_python_when_it_is_in_one_of_its_places_then_it_is_found(tmp_path: Path, place: str) -> None:
    program(tmp_path / place, GOOD)
    done = found(tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).exists()


def test_python_when_uv_knows_one_then_it_is_asked(tmp_path: Path) -> None:
    python = program(tmp_path / "elsewhere" / "python3.13", GOOD)
    program(tmp_path / "bin" / "uv", f'#!/bin/sh\n[ "$2" = find ] && echo "{python}"\n')
    done = found(tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).exists()


def test_python_when_the_first_is_a_shim_of_another_version_then_the_next_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3.13", OTHER_VERSION)
    program(tmp_path / "bin" / "python3", GOOD)
    assert found(tmp_path).returncode == 0


def test_python_when_the_named_one_is_of_another_version_then_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    other = program(tmp_path / "bin" / "python3.12", OTHER_VERSION)
    done = found(tmp_path, other)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert str(other) in line and "uv python install 3.13" in line and "make PYTHON=" in line


@pytest.mark.skipif(any(path.exists() for path in SYSTEM), reason="this machine has a Python 3.13 in a system folder")
def test_python_when_there_is_none_then_one_line_says_so(tmp_path: Path) -> None:
    done = found(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_makefile_asks_the_script(tmp_path: Path) -> None:
    env = {**os.environ, "MAKEFLAGS": ""}
    done = subprocess.run(
        ["make", "-n", "-B", ".venvs/tools.done", "PYTHON=/some/python"], cwd=SCRIPT.parents[1], env=env, capture_output=True, text=True
    )  # fmt: skip
    assert "requirements/find_python.sh /some/python" in done.stdout
