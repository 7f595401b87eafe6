"""License numbers as they are compared: by the rules that include/boards declares for each state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def number_macro(rules: Mapping[str, Sequence[str]]) -> str:
    """Return the DuckDB macro ``number_of(state, text)``: what identifies the license in its state, without leading zeros.

    A number that no rule fits is kept, as letters and digits. NULL without a text, and for a state without rules: no board
    of ours gave such a number, so there is nothing to compare it with. The same as in clean.license (query.sql).
    """
    cases = " ".join(f"WHEN {_literal(state)} THEN {_first_fit(patterns)}" for state, patterns in sorted(rules.items()))
    # The patterns come from declarations, never from data.
    return f"CREATE OR REPLACE MACRO number_of(state, text) AS NULLIF(CASE state {cases} END, '')"


def _first_fit(patterns: Sequence[str]) -> str:
    typed = r"regexp_replace(upper(text), '[\s#]', '', 'g')"
    fits = [f"NULLIF(ltrim(regexp_extract({typed}, {_literal(p)}, 1), '0'), '')" for p in patterns]
    whole = "ltrim(regexp_replace(upper(text), '[^A-Z0-9]', '', 'g'), '0')"
    return f"coalesce({', '.join([*fits, whole])})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
