"""Rules that every row of an NPPES member keeps to; a row that breaks one was damaged after CMS wrote it.

The usual damage is a spreadsheet or a data frame that took text for numbers, dates and booleans, and wrote its own
spelling back: `688482168.0`, `1.0`, a postal code without its leading zero, `3/25/25`, `True`. No row of a published
file breaks a rule; when many do, the whole file is refused (include/quality/refusals.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.csv.layout import Rule, values_of

REWRITTEN = "A spreadsheet or a data frame rewrote the file: load the one that CMS publishes, never opened and saved."
_NPI_DIGITS = 10
_NO_NPI = "0" * _NPI_DIGITS
_LUHN_OF_PREFIX = 24  # what the prefix 80840 adds to the Luhn sum
_DOUBLED = np.array([2 * digit - 9 * (digit > 4) for digit in range(10)], np.uint8)  # its two digits added up
_FLOAT = r"^[0-9]+\.[0-9]*$|^[0-9.]+[eE]\+?[0-9]+$"


def npi_is_wrong(npis: pa.Array) -> pa.Array:
    """Return of each value whether it is not an NPI: ten digits, the first 1 or 2, the last a right check digit."""
    ten = pc.and_(pc.equal(pc.binary_length(npis), _NPI_DIGITS), pc.ascii_is_decimal(npis))
    texts = pc.if_else(pc.fill_null(ten, False), npis, _NO_NPI).cast(pa.binary(_NPI_DIGITS))
    values = np.frombuffer(texts.buffers()[1], np.uint8).reshape(-1, _NPI_DIGITS)[texts.offset :][: len(texts)]
    digits = np.ascontiguousarray(values.T) & 0x0F
    total = (
        _LUHN_OF_PREFIX + _DOUBLED[digits[0::2]].sum(axis=0, dtype=np.uint8) + digits[1::2].sum(axis=0, dtype=np.uint8)
    )
    return pa.array((total % 10 != 0) | (digits[0] < 1) | (digits[0] > 2))


def _npi() -> Rule:
    return Rule(
        name="npi_check_digit",
        columns=("npi",),
        reason="The NPI is not ten digits with a right check digit: the row was damaged, no real row fails this. "
        "Get the file again.",
        broken=lambda table: npi_is_wrong(values_of(table, ("npi",))),
    )


def _like(name: str, columns: tuple[str, ...], pattern: str, reason: str) -> Rule:
    """A rule that every value of the columns, unless missing, matches the whole regular expression."""

    def broken(table: pa.Table) -> pa.Array:
        # Codes and dates repeat: each spelling is matched once, not each row.
        values = values_of(table, columns).dictionary_encode()
        fits = pc.match_substring_regex(values.dictionary, f"^(?:{pattern})$")
        return pc.take(pc.invert(fits), values.indices)

    return Rule(name, columns, f"{reason} {REWRITTEN}", broken)


def _not_floats(columns: tuple[str, ...]) -> Rule:
    def broken(table: pa.Table) -> pa.Array:
        values = values_of(table, columns)
        odd = pc.invert(pc.fill_null(pc.ascii_is_decimal(values), True)).to_numpy(zero_copy_only=False)
        # Nearly all are digits only: the rest is few, from abroad.
        found = np.zeros(len(values), np.bool_)
        found[odd] = pc.match_substring_regex(values.filter(pa.array(odd)), _FLOAT).to_numpy(zero_copy_only=False)
        return pa.array(found)

    reason = "The value is a number with a fraction, and its last digits may be wrong."
    return Rule("number_as_float", columns, f"{reason} {REWRITTEN}", broken)


def _no_lost_zero(columns: tuple[str, ...], countries: tuple[str, ...]) -> Rule:
    """:param countries: for each of the columns, the one that holds its country."""

    def broken(table: pa.Table) -> pa.Array:
        values = values_of(table, columns)
        short = pc.is_in(pc.binary_length(values), pa.array([4, 8], pa.int32()))
        american = pc.equal(values_of(table, countries), "US")
        return pc.and_(pc.and_(short, american), pc.ascii_is_decimal(values))

    reason = "A US postal code has 5 or 9 digits; this one has lost its leading zero."
    return Rule("lost_zero", columns, f"{reason} {REWRITTEN}", broken)


_DATE = r"(?:0[1-9]|1[0-2])/(?:0[1-9]|[12][0-9]|3[01])/[0-9]{4}"
_MAILING = "provider_business_mailing_address"
_PRACTICE = "provider_business_practice_location_address"
_SECONDARY = "provider_secondary_practice_location_address"
_COUNTRY = "country_code_if_outside_u_s"

RULES: dict[str, tuple[Rule, ...]] = {
    "npidata": (
        _npi(),
        _like("entity_type", ("entity_type_code",), "[12]", "The entity type is 1, 2 or empty."),
        _not_floats(
            (
                *(f"{_MAILING}_{what}" for what in ("postal_code", "telephone_number", "fax_number")),
                *(f"{_PRACTICE}_{what}" for what in ("postal_code", "telephone_number", "fax_number")),
                "authorized_official_telephone_number",
            )
        ),
        _no_lost_zero(
            (f"{_MAILING}_postal_code", f"{_PRACTICE}_postal_code"),
            (f"{_MAILING}_{_COUNTRY}", f"{_PRACTICE}_{_COUNTRY}"),
        ),
        _like("lost_zero", ("other_provider_identifier_type_code_1",), "[0-9]{2}", "The code has two digits, as 01."),
        _like(
            "date_form",
            (
                "provider_enumeration_date",
                "last_update_date",
                "npi_deactivation_date",
                "npi_reactivation_date",
                "certification_date",
            ),
            _DATE,
            "CMS writes dates as MM/DD/YYYY.",
        ),
        _like(
            "flag",
            (
                "healthcare_provider_primary_taxonomy_switch_1",
                "is_sole_proprietor",
                "is_organization_subpart",
            ),
            "[XYN]",
            "CMS writes X, Y or N.",
        ),
    ),
    "othername": (
        _npi(),
        _like(
            "name_type", ("provider_other_organization_name_type_code",), "[0-9]", "The type of a name is one digit."
        ),
    ),
    "pl": (
        _npi(),
        _not_floats(
            (
                f"{_SECONDARY}_postal_code",
                f"{_SECONDARY}_telephone_number",
                "provider_practice_location_address_fax_number",
            )
        ),
        _no_lost_zero((f"{_SECONDARY}_postal_code",), (f"{_SECONDARY}_{_COUNTRY}",)),
    ),
    "endpoint": (
        _npi(),
        _not_floats(("affiliation_address_postal_code",)),
        _no_lost_zero(("affiliation_address_postal_code",), ("affiliation_address_country",)),
    ),
}
