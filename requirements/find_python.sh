#!/usr/bin/env bash
# Prints a Python 3.13 that can make environments: the one that is named, else the first of PATH, pyenv, uv and Homebrew.
set -u

works() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

candidates() {
    if [ $# -gt 0 ]; then
        echo "$1"
        return
    fi
    printf '%s\n' python3.13 python3 python
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python 2>/dev/null | sort -rV
    command -v uv >/dev/null && uv python find --no-project 3.13 2>/dev/null
    ls -d "$HOME"/.local/share/uv/python/cpython-3.13*/bin/python3.13 2>/dev/null | sort -rV
    printf '%s\n' /opt/homebrew/bin/python3.13 /usr/local/bin/python3.13 /usr/bin/python3.13
}

while read -r candidate; do
    if works "$candidate"; then
        "$candidate" -c "import sys; print(sys.executable)"
        exit 0
    fi
done < <(candidates "$@")
{
    echo "${1:-Python 3.13} was not found, is another version or cannot make environments:" \
        "uv python install 3.13, pyenv install 3.13, brew install python@3.13 or apt install python3.13-venv; or name it: make PYTHON=/path/to/python3.13 ..."
} >&2
exit 1
