"""One form for a whole file: a day is never taken for a month, and nobody guesses."""

from __future__ import annotations

from datetime import date

import pytest

from include.boards.date_forms import UnclearDates, date_of, form_of_all, is_date_form

DAY_FIRST, MONTH_FIRST = "DD/MM/YYYY", "M/D/YYYY"
MASSACHUSETTS = ("DD-MM-YYYY 00:00:00", "DD/MM/YYYY 00:00:00", "M/D/YYYY 12:00:00 AM")


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("MM/DD/YYYY", "11/23/2005", date(2005, 11, 23)),
        ("DD/MM/YYYY", "23/11/2005", date(2005, 11, 23)),
        ("DD-MM-YYYY 00:00:00", "23-11-2005 00:00:00", date(2005, 11, 23)),
        ("YYYYMMDD", "20051123", date(2005, 11, 23)),
        ("YYYY-MM-DDT00:00:00.000", "2005-11-23T00:00:00.000", date(2005, 11, 23)),
        ("M/D/YYYY", "6/5/2005", date(2005, 6, 5)),
        ("M/D/YYYY 12:00:00 AM", "7/19/1991 12:00:00 AM", date(1991, 7, 19)),
        ("12:00:00 AM M/D/YYYY", "12:00:00 AM 7/19/1991", date(1991, 7, 19)),
        ("M/D/YYYY 12:00:00 AM", "7/19/1991 12:00:00 PM", None),
        ("M/D/YYYY 12:00:00 PM", "7/19/1991 12:00:00 PM", date(1991, 7, 19)),
        ("M/D/YYYY 12:00:00 AM", "19/7/1991 12:00:00 AM", None),
        *(("MM/DD/YYYY", text, None)
          for text in ("23/11/2005", "2005-11-23", "1/2/2005", "11/23/05", "11/23/2005 ", "٠١/٠٢/٢٠٠٥", "", "02/30/2005")),
    ],
)  # fmt: skip
def test_date_of_when_in_the_form_then_that_day_else_none(form: str, text: str, expected: date | None) -> None:
    assert date_of(text, form) == expected


@pytest.mark.parametrize("form", ["MM/YYYY", "MM/MM/DD/YYYY", "AM", ""])
def test_is_date_form_when_a_part_is_missing_or_there_twice_then_not(form: str) -> None:
    assert not is_date_form(form)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["19-07-1991 00:00:00", "01-12-2003 00:00:00"], MASSACHUSETTS[0]),
        (["19/07/1991 00:00:00", "01/12/2003 00:00:00"], MASSACHUSETTS[1]),
        (["7/19/1991 12:00:00 AM", "12/1/2003 12:00:00 AM"], MASSACHUSETTS[2]),
        (["7/19/1991 12:00:00 AM", "", "N/A", "31-02-2001 00:00:00"], MASSACHUSETTS[2]),
        (["rubbish"], MASSACHUSETTS[0]),
        ([], MASSACHUSETTS[0]),
    ],
)
def test_form_of_all_when_one_fits_every_date_then_that_one(dates: list[str], expected: str) -> None:
    assert form_of_all(MASSACHUSETTS, {text: line for line, text in enumerate(dates, start=2)}, "f") == expected


def test_form_of_all_when_two_fit_and_mean_other_days_then_refused_and_both_named() -> None:
    with pytest.raises(
        UnclearDates,
        match="gs://f: every date fits both DD/MM/YYYY and M/D/YYYY, and line 7, '01/02/2003', is 2003-02-01 or 2003-01-02",
    ):
        form_of_all((DAY_FIRST, MONTH_FIRST), {"05/05/2001": 2, "01/02/2003": 7}, "gs://f")


def test_form_of_all_when_two_fit_and_mean_the_same_days_then_the_first() -> None:
    assert form_of_all((DAY_FIRST, MONTH_FIRST), {"05/05/2001": 2}, "f") == DAY_FIRST
    assert form_of_all(("MM/DD/YYYY", MONTH_FIRST), {"05/23/2001": 2}, "f") == "MM/DD/YYYY"
    assert form_of_all(("MM/DD/YYYY", MONTH_FIRST), {"05/23/2001": 2, "5/2/2001": 3}, "f") == MONTH_FIRST


def test_form_of_all_when_a_file_mixes_forms_then_refused_with_a_line_for_each() -> None:
    with pytest.raises(
        UnclearDates,
        match="DD/MM/YYYY is not that of line 2, '02/28/2001'; M/D/YYYY is not that of line 3, '28/02/2001'",
    ):
        form_of_all((DAY_FIRST, MONTH_FIRST), {"02/28/2001": 2, "28/02/2001": 3}, "f")
