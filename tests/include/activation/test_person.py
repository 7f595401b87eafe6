"""Names, grades and scores as a destination shows them."""

from __future__ import annotations

import pytest

from include.activation.person import coarse_score, grade, readable_name


@pytest.mark.parametrize(
    ("score", "icp", "sent"), [(44.9, 71.0, 40), (45.1, 71.0, 50), (None, 71.0, 70), (None, None, 0)]
)
def test_coarse_score_when_noisy_then_nearest_ten(score: float | None, icp: float | None, sent: int) -> None:
    assert coarse_score(score, icp) == sent


@pytest.mark.parametrize(
    ("rank", "icp", "letter"),
    [(0.9, 0.0, "A"), (0.89, 99.0, "B"), (0.4, None, "C"), (0.39, None, "D"), (None, 85.0, "A"), (None, 59.9, "D")],
)
def test_grade_when_there_is_a_rank_then_it_counts_else_the_icp_score(
    rank: float | None, icp: float | None, letter: str
) -> None:
    assert grade(rank, icp) == letter


@pytest.mark.parametrize(
    ("published", "written"),
    [
        ("O'BRIEN", "O'Brien"),
        ("MCDONALD", "McDonald"),
        ("MACHADO-MCKAY", "Machado-McKay"),
        ("MCKINNEY SMILES PLLC", "McKinney Smiles PLLC"),
        ("SMITH'S  DENTAL DDS", "Smith's Dental DDS"),
        ("", None),
        (None, None),
    ],
)
def test_readable_name_when_published_in_capitals_then_as_people_write_it(
    published: str | None, written: str | None
) -> None:
    assert readable_name(published) == written
