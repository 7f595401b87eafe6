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
        ("1ST CHOICE DENTAL", "1st Choice Dental"),
        ("123 W 42ND ST", "123 W 42nd St"),
        ("3RD AVENUE ORTHODONTICS", "3rd Avenue Orthodontics"),
        ("11TH & 21ST STREET DENTISTS, P.C.", "11th & 21st Street Dentists, P.C."),
        ("SMILES OF THE 1980S", "Smiles Of The 1980s"),
        ("3D IMAGING, 4U DENTAL, STE 2B", "3D Imaging, 4U Dental, Ste 2B"),
        ("1-800-DENTIST", "1-800-Dentist"),
        ("JOHN SMITH III, DDS, PLLC", "John Smith III, DDS, PLLC"),
        ("SMITH IV", "Smith IV"),
        ("XI VI", "Xi Vi"),
        ("D'ANGELO-DELL'ORTO", "D'Angelo-Dell'Orto"),
        ("O’BRIEN’S DON'T WORRY INT'L", "O’Brien’s Don't Worry Int'l"),
        ("DENTISTS' CHOICE", "Dentists' Choice"),
        ("MCDONALD'S", "McDonald's"),
        ("MC DONALD", "Mc Donald"),
        ("NÚÑEZ DENTAL", "Núñez Dental"),
        ("PO BOX 12, 123 NE 4TH ST", "PO Box 12, 123 NE 4th St"),
        ("SE HEE PO", "Se Hee Po"),
        ("iSmile Dental by DeLuca", "iSmile Dental by DeLuca"),
        ("bright dental", "Bright Dental"),
        ("J.P.  SMITH", "J.P. Smith"),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_readable_name_when_published_in_capitals_then_as_people_write_it(
    published: str | None, written: str | None
) -> None:
    assert readable_name(published) == written
