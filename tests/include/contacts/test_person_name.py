"""Names as registries write them, made up."""

from __future__ import annotations

import pytest

from include.contacts.person_name import PersonName, first_name_forms, person_name, person_name_of, same_first_name


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (("MARY ANN", "", "SMITH-JONES", "", "D.D.S., M.S."),
         PersonName("MARY", "ANN", "SMITH-JONES", "", ("DDS", "MS"), ("SMITH", "JONES"))),
        (("John", "Q.", "De La Cruz Jr.", "", "D M D"), PersonName("JOHN", "Q", "DE LA CRUZ", "JR", ("DMD",), ())),
        (("JOHN", "Q JR", "CRUZ", "", ""), PersonName("JOHN", "Q", "CRUZ", "JR", (), ())),
        (("José", "", "Núñez", "3rd", "DDS"), PersonName("JOSE", "", "NUNEZ", "III", ("DDS",), ())),
        (("MARY", "", "SMITH (JONES)", "", ""), PersonName("MARY", "", "SMITH", "", (), ("JONES",))),
        (("LI", "", "MA", "", "MS"), PersonName("LI", "", "MA", "", (), ())),  # a last name, not a degree
        ((None, None, None), PersonName("", "", "", "", (), ())),
    ],
)  # fmt: skip
def test_person_name_when_parts_hold_more_than_they_say_then_each_thing_has_its_place(
    published: tuple[str | None, ...], said: PersonName
) -> None:
    assert person_name(*published) == said  # type: ignore[arg-type]


def test_person_name_when_former_names_are_told_apart_then_the_present_one_is_not_among_them() -> None:
    assert person_name("ANN", "", "SMITH", former_last=["Jones DDS", "SMITH", None]).former_last == ("JONES",)


@pytest.mark.parametrize(
    ("text", "first", "last", "suffix", "credentials", "former"),
    [
        ("SMITH, MARY ANN, DDS", "MARY", "SMITH", "", ("DDS",), ()),
        ("Dr. John Q. de la Cruz Jr, DMD", "JOHN", "DE LA CRUZ", "JR", ("DMD",), ()),
        ("O'BRIEN III, PATRICK", "PATRICK", "OBRIEN", "III", (), ()),
        ("Mary Smith née Jones, R.D.H.", "MARY", "SMITH", "", ("RDH",), ("JONES",)),
        (None, "", "", "", (), ()),
    ],
)
def test_person_name_of_when_a_whole_name_is_one_text_then_takes_it_apart(
    text: str | None, first: str, last: str, suffix: str, credentials: tuple[str, ...], former: tuple[str, ...]
) -> None:
    found = person_name_of(text)
    assert (found.first, found.last, found.suffix) == (first, last, suffix)
    assert (found.credentials, found.former_last) == (credentials, former)


def test_first_names_when_one_is_a_nickname_or_an_initial_then_may_be_one_person() -> None:
    assert {"WILLIAM", "BILL"} <= first_name_forms("William")
    assert same_first_name("Bill", "WILLIAM") and same_first_name("W", "WILLIAM")
    assert not same_first_name("ROBERT", "WILLIAM") and not same_first_name("", "WILLIAM")
