#!/usr/bin/env bash
# Write the lock files (requirements/*.txt) from their sources (*.in), or with --check fail if a lock is stale.
#
#   requirements/lock.sh            rewrite every lock; versions already locked stay unless their source forbids them
#   requirements/lock.sh --upgrade  move every version as far as the sources allow
#   requirements/lock.sh --check    change nothing; show each lock that differs from what its source gives
#
# Needs uv (requirements/tools.txt): $UV, or .venvs/tools/bin/uv, or uv on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

uv=
# Run it, not just look for it: a version manager's shim may stand on PATH and refuse this folder's Python version.
for candidate in "${UV:-}" "$root/.venvs/tools/bin/uv" uv; do
    [[ -n $candidate ]] && "$candidate" --version >/dev/null 2>&1 && uv=$candidate && break
done
[[ -n $uv ]] || { echo "lock.sh: no uv runs here: run \`make env\`, or set UV to its path." >&2; exit 2; }

mode=${1:---write}
case $mode in --write | --upgrade | --check) ;; *) echo "lock.sh: unknown option $mode" >&2; exit 2 ;; esac

work=$root
if [[ $mode == --check ]]; then
    # A copy, so that a stale lock stays as it is, and so that versions already locked are preferred.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp -R requirements "$work/"
fi

compile=("$uv" pip compile --quiet --python-version 3.13 --generate-hashes --no-emit-index-url --no-emit-find-links)
[[ $mode == --upgrade ]] && compile+=(--upgrade)

status=0
# airflow and services before the *dev locks, which take them as constraints.
for name in airflow services emulators judges dev services-dev tools; do
    (cd "$work" && "${compile[@]}" "requirements/$name.in" -o "requirements/$name.txt" >/dev/null)
    if ! diff -u "$root/requirements/$name.txt" "$work/requirements/$name.txt"; then
        echo "requirements/$name.txt is stale: run requirements/lock.sh and commit the result." >&2
        status=1
    fi
done
exit $status
