"""Names as they are compared: folded to letters, suffixes apart, first names with their nicknames."""

from __future__ import annotations

from functools import cache

from nicknames import NickNamer

# folded: upper case without accents, apostrophes and dots; hyphens and other marks become blanks. NULL when nothing is left.
# suffix_of: the suffix that a name ends with, or NULL; as word or figure, and perhaps twice (JR, JR).
# key_of: letters only, the suffix cut off: what two last names are compared by.
# keystroke: two names of four letters or more that one typing error parts. alike: two longer ones that a few errors part.
# A CASE, as DuckDB computes both sides of an AND: the distance costs as much as all other columns of a pair together.
MACROS = r"""
CREATE OR REPLACE MACRO folded(name) AS
  NULLIF(TRIM(regexp_replace(regexp_replace(upper(strip_accents(name)), '[''.`]', '', 'g'), '[^A-Z0-9]+', ' ', 'g')), '');
CREATE OR REPLACE MACRO suffix_of(name) AS
  CASE regexp_extract(folded(name), '(?:^| )(JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH)$', 1)
    WHEN '' THEN NULL WHEN 'JUNIOR' THEN 'JR' WHEN 'SENIOR' THEN 'SR' WHEN '2ND' THEN 'II' WHEN '3RD' THEN 'III' WHEN '4TH' THEN 'IV'
    ELSE regexp_extract(folded(name), '(?:^| )(JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH)$', 1) END;
CREATE OR REPLACE MACRO key_of(name) AS
  NULLIF(replace(regexp_replace(folded(name), '( (JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH))+$', ''), ' ', ''), '');
CREATE OR REPLACE MACRO parts_of(name) AS
  string_split(regexp_replace(folded(name), '( (JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH))+$', ''), ' ');
CREATE OR REPLACE MACRO keystroke(one, other, shortest := 4) AS CASE
  WHEN abs(length(one) - length(other)) < 2 AND least(length(one), length(other)) >= shortest
    AND (left(one, 1) = left(other, 1) OR right(one, 1) = right(other, 1))
  THEN damerau_levenshtein(one, other) < 2 ELSE FALSE END;
CREATE OR REPLACE MACRO alike(one, other) AS CASE
  WHEN least(length(one), length(other)) > 4 THEN jaro_winkler_similarity(one, other) > 0.92 ELSE FALSE END;
"""


@cache
def nickname_pairs() -> frozenset[tuple[str, str]]:
    """Return every (name, name) of which one is a nickname of the other, or both are of a third; upper case, both ways."""
    families = [{name, *shorts} for name, shorts in NickNamer().nickname_lookup.items()]
    return frozenset(
        (one.upper(), other.upper()) for family in families for one in family for other in family if one != other
    )
