"""Published addresses, made up in the forms that registries and boards hold, and their standard forms."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contacts import postal_address
from include.contacts.postal_address import (
    PostalAddress,
    Published,
    address_key,
    location_key,
    standard_address,
    standard_addresses,
    standard_key,
)


def _us(
    line_1: str, line_2: str = "", state: str = "IL", zip_code: str = "62701", city: str = "Springfield"
) -> PostalAddress:
    return standard_address(line_1, line_2, city, state, zip_code, "US")


@pytest.mark.parametrize(
    ("line_1", "line_2", "line", "unit"),
    [
        ("100 West Main Street, Suite 200", "", "100 W MAIN ST", "STE 200"),
        ("100 W. Main St.", "Ste. #200", "100 W MAIN ST", "STE 200"),
        ("100 W MAIN ST STE 200", "STE 200", "100 W MAIN ST", "STE 200"),
        ("100 W MAIN ST", "SUITES 200 & 210", "100 W MAIN ST", "STE 200 210"),
        ("100 W MAIN ST # 200", "", "100 W MAIN ST", "# 200"),
        ("100 W MAIN ST 2A", "", "100 W MAIN ST", "# 2A"),  # the designator is not told, so none is made up
        ("45-10 94th Street", "2nd Floor", "45-10 94TH ST", "FL 2"),
        ("12 NE 8TH ST BLDG 4 STE 100", "", "12 NE 8TH ST", "BLDG 4 STE 100"),
        ("N6W23001 BLUEMOUND ROAD", "", "N6W23001 BLUEMOUND RD", None),
        ("3601 FM 1960 RD W STE 210", "", "3601 FM 1960 RD W", "STE 210"),  # a road's own number takes no ending
        ("400 E 1 ST", "ATTN: BILLING", "400 E 1ST ST", None),
        ("DENTAL DEPARTMENT", "400 E 1ST ST", "400 E 1ST ST", None),
        ("MEDICAL ARTS BUILDING", "100 WEST OAK AVENUE STE 4B", "100 W OAK AVE", "STE 4B"),
        ("100 OAK AVE", "HAPPY TOOTH DENTAL", "100 OAK AVE", None),
        ("100 OAK AVE", "PO BOX 5", "100 OAK AVE", None),  # the street says where the place is
        ("ONE OAK AVENUE", "", "1 OAK AVE", None),
        ("#1 OAK AVE", "", "1 OAK AVE", None),
        ("221 KINGS HWY EAST", "", "221 KINGS HWY E", None),
        ("221 KINGS HWY E", "", "221 KINGS HWY E", None),
        ("100 OAK AVE STE", "", "100 OAK AVE", None),  # no word of the city becomes the suite
    ],
)  # fmt: skip
def test_standard_address_when_a_street_is_told_in_any_way_then_line_and_unit_are_the_same(
    line_1: str, line_2: str, line: str, unit: str | None
) -> None:
    found = _us(line_1, line_2)
    assert (found.delivery_line, found.unit, found.kind) == (line, unit, "street")
    assert found.parse_level in ("scourgify", "tagged")


@pytest.mark.parametrize(
    ("line_1", "city", "state", "zip_code", "kind", "line"),
    [
        ("P.O. Box 12", "AUSTIN", "TX", "78701", "po_box", "PO BOX 12"),
        ("Post Office Box #12", "AUSTIN", "TX", "78701", "po_box", "PO BOX 12"),
        ("Rural Route 2, Box 15", "AMES", "IA", "50010", "rural_route", "RR 2 BOX 15"),
        ("HCR 68 BOX 23A", "AMES", "IA", "50010", "rural_route", "HC 68 BOX 23A"),
        ("PSC 802 Box 74", "APO", "AE", "09499-0074", "military", "PSC 802 BOX 74"),
        ("UNIT 2050 BOX 4190", "FPO", "AP", "96278", "military", "UNIT 2050 BOX 4190"),
    ],
)
def test_standard_address_when_it_is_a_box_a_route_or_military_then_the_pattern_holds(
    line_1: str, city: str, state: str, zip_code: str, kind: str, line: str
) -> None:
    # Germany stands as country beside military mail in some rows: it is domestic mail all the same.
    found = standard_address(line_1, None, city, state, zip_code, "DE" if kind == "military" else "US")
    assert (found.kind, found.delivery_line, found.parse_level) == (kind, line, "pattern")
    assert (found.country, found.zip5) == ("US", zip_code[:5])


@pytest.mark.parametrize(
    ("line_1", "line_2", "line", "unit", "urbanization"),
    [
        ("URB LAS GLADIOLAS", "150 CALLE A", "150 CALLE A", None, "URB LAS GLADIOLAS"),
        ("150 Calle A, Urb. Las Gladiolas", "", "150 CALLE A", None, "URB LAS GLADIOLAS"),
        ("CALLE 13 A8", "URBANIZACION BAYAMON GARDENS", "CALLE 13 A8", None, "URB BAYAMON GARDENS"),
        ("1500 Avenida Ponce de León", "Oficina 3", "1500 AVE PONCE DE LEON", "OFIC 3", None),
    ],
)
def test_standard_address_when_it_is_in_puerto_rico_then_the_urbanization_stands_apart(
    line_1: str, line_2: str, line: str, unit: str | None, urbanization: str | None
) -> None:
    found = standard_address(line_1, line_2, "San Juan", "Puerto Rico", "926", "PR")
    assert (found.delivery_line, found.unit, found.urbanization) == (line, unit, urbanization)
    assert (found.country, found.state, found.zip5) == ("US", "PR", None)
    assert standard_address(line_1, line_2, "San Juan", "PR", "0926", "US").zip5 == "00926"


def test_standard_address_when_it_is_in_canada_then_province_and_postal_code_stay() -> None:
    for country in ("CA", "CAN", "Canada", None):
        found = standard_address("123 Queen St W", "Unit 5", "Toronto", "ON", "M5V 2T6", country)
        assert (found.country, found.kind, found.state) == ("CA", "foreign", "ON")
        assert (found.postal_code, found.zip5, found.delivery_line) == ("M5V 2T6", None, "123 QUEEN ST W")
    assert _us("1 MAIN ST", state="California", zip_code="90012").country == "US"  # CA as a state is none as a country


def test_standard_address_when_nothing_is_published_then_says_empty_and_keeps_the_place() -> None:
    for nothing in (None, "", "  ", "UNKNOWN", "N/A"):
        found = standard_address(nothing, None, "Austin", "TX", "787011234", "US")
        assert (found.kind, found.parse_level, found.delivery_line) == ("empty", "empty", None)
        assert (found.city, found.zip5, found.zip4) == ("AUSTIN", "78701", "1234")
        assert location_key(found) is None and standard_key(found) is None


_TEXT = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.from_regex(r"[0-9]{1,4} [A-Z ]{3,12} (ST|AVE|STE|#|BOX) ?[0-9A-Z]{0,3}", fullmatch=True),
)


@settings(max_examples=60, deadline=None)
@given(
    _TEXT,
    _TEXT,
    _TEXT,
    st.sampled_from(["TX", "PR", "AE", "Ontario", "", None]),
    _TEXT,
    st.sampled_from(["US", "", None, "NZ", "PR"]),
)
def test_standard_address_when_anything_at_all_is_published_then_nothing_raises_and_no_line_is_lost(
    line_1: str | None, line_2: str | None, city: str | None, state: str | None, postal: str | None, country: str | None
) -> None:
    found = standard_address(line_1, line_2, city, state, postal, country)
    says_something = any(c.isascii() and c.isalnum() for c in f"{line_1 or ''}{line_2 or ''}")
    assert bool(found.delivery_line) or not says_something or found.parse_level == "empty"
    assert found == standard_address(line_1, line_2, city, state, postal, country)


def test_keys_when_two_spellings_mean_one_address_then_only_the_published_key_differs() -> None:
    one, other = (
        Published("100 West Main Street, Suite 200", "", "Springfield", "IL", "62701", "US"),
        Published("100 W MAIN ST", "STE 200", "SPRINGFIELD", "Illinois", "62701", ""),
    )
    a, b = standard_address(*one), standard_address(*other)
    assert address_key(one) != address_key(other)
    assert standard_key(a) == standard_key(b)
    next_door = _us("100 W MAIN ST", "STE 300")
    assert location_key(a) == location_key(b) == location_key(next_door)
    assert standard_key(a) != standard_key(next_door)
    in_an_urbanization = standard_address("150 CALLE A", "URB UNO", "SAN JUAN", "PR", "00926", "US")
    in_another = standard_address("150 CALLE A", "URB DOS", "SAN JUAN", "PR", "00926", "US")
    assert location_key(in_an_urbanization) != location_key(in_another)


def test_standard_addresses_when_there_are_many_then_several_processes_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [Published(f"{n} West Main Street Apt {n}", None, "Springfield", "IL", "62701", "US") for n in range(60)]
    rows += rows[:10]
    alone = standard_addresses(rows)
    monkeypatch.setattr(postal_address, "BATCH", 20)
    monkeypatch.setattr(postal_address.os, "cpu_count", lambda: 2)
    assert standard_addresses(rows) == alone
    assert [found.delivery_line for found in alone[:2]] == ["0 W MAIN ST", "1 W MAIN ST"] and len(alone) == 70


def test_standard_addresses_when_a_worker_does_not_end_then_names_it_and_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [Published(f"{n} West Main Street", None, "Springfield", "IL", "62701", "US") for n in range(60)]
    monkeypatch.setattr(postal_address, "BATCH", 20)
    monkeypatch.setattr(postal_address.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(postal_address, "WORKER_SECONDS", 0.01)
    with pytest.raises(RuntimeError, match="worker of standard_addresses has not ended after 0 s"):
        standard_addresses(rows)


def test_standard_address_when_timed_then_120_000_take_under_a_minute_on_two_cores() -> None:
    lines = [(f"{n} North Oak Avenue", f"Suite {n}") for n in range(100, 700)]
    best = min(_seconds(lines) for _ in range(2))
    assert best / len(lines) * 120_000 / 2 < 60


def _seconds(lines: list[tuple[str, str]]) -> float:
    start = time.process_time()
    for line_1, line_2 in lines:
        _us(line_1, line_2)
    return time.process_time() - start
