"""Rules that every row of an NPPES member keeps to; a row that breaks one was damaged after CMS wrote it.

The usual damage is a spreadsheet or a data frame that took text for numbers, dates and booleans, and wrote its own
spelling back: `688482168.0`, `1.0`, a postal code without its leading zero, `3/25/25`, `True`. No row of a published
file breaks a rule; when many do, the whole file is refused (MAX_REJECTED_SHARE in include/csv_parquet.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.csv_parquet import Rule

REWRITTEN = "A spreadsheet or a data frame rewrote the file: load the one that CMS publishes, never opened and saved."
_NPI_DIGITS = 10
_NO_NPI = "0" * _NPI_DIGITS
_LUHN_OF_PREFIX = 24  # what the prefix 80840 adds to the Luhn sum


def npi_is_wrong(npis: pa.Array) -> pa.Array:
    """Return of each value whether it is not an NPI: ten digits, the first 1 or 2, the last a right check digit."""
    ten = pc.and_(pc.equal(pc.binary_length(npis), _NPI_DIGITS), pc.ascii_is_decimal(npis))
    texts = pc.if_else(pc.fill_null(ten, False), npis, _NO_NPI).cast(pa.binary(_NPI_DIGITS))
    digits = np.frombuffer(texts.buffers()[1], np.uint8).reshape(-1, _NPI_DIGITS)[texts.offset :][: len(texts)] & 0x0F
    doubled = digits[:, 0:9:2] * 2
    total = _LUHN_OF_PREFIX + (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, 1::2].sum(axis=1)
    return pa.array((total % 10 != 0) | (digits[:, 0] < 1) | (digits[:, 0] > 2))


def _npi(column: str = "npi") -> Rule:
    return Rule(
        name="npi_check_digit",
        column=column,
        reason="The NPI is not ten digits with a right check digit: the row was damaged, no real row fails this. "
        "Get the file again.",
        broken=lambda table: npi_is_wrong(table[column].combine_chunks()),
    )


def _like(name: str, column: str, pattern: str, reason: str) -> Rule:
    """A rule that every value of the column, unless missing, matches the whole regular expression."""

    def broken(table: pa.Table) -> pa.Array:
        # Codes and dates repeat: each spelling is matched once, not each row.
        values = table[column].combine_chunks().dictionary_encode()
        fits = pc.match_substring_regex(values.dictionary, f"^(?:{pattern})$")
        return pc.take(pc.invert(fits), values.indices)

    return Rule(name, column, f"{reason} {REWRITTEN}", broken)


def _unlike(name: str, column: str, pattern: str, reason: str) -> Rule:
    """A rule that no value of the column matches the regular expression."""

    def broken(table: pa.Table) -> pa.Array:
        return pc.match_substring_regex(table[column].combine_chunks(), pattern)

    return Rule(name, column, f"{reason} {REWRITTEN}", broken)


def _number_as_float(column: str) -> Rule:
    reason = "The value is a number with a fraction, and its last digits may be wrong."
    return _unlike("number_as_float", column, r"^[0-9]+\.[0-9]*$|^[0-9.]+[eE]\+?[0-9]+$", reason)


def _lost_zero(column: str, country: str) -> Rule:
    def broken(table: pa.Table) -> pa.Array:
        values = table[column].combine_chunks()
        short = pc.is_in(pc.binary_length(values), pa.array([4, 8], pa.int32()))
        american = pc.equal(table[country].combine_chunks(), "US")
        return pc.and_(pc.and_(short, american), pc.ascii_is_decimal(values))

    reason = "A US postal code has 5 or 9 digits; this one has lost its leading zero."
    return Rule("lost_zero", column, f"{reason} {REWRITTEN}", broken)


def _date(column: str) -> Rule:
    pattern = r"(?:0[1-9]|1[0-2])/(?:0[1-9]|[12][0-9]|3[01])/[0-9]{4}"
    return _like("date_form", column, pattern, "CMS writes dates as MM/DD/YYYY.")


def _flag(column: str) -> Rule:
    return _like("flag", column, "[XYN]", "CMS writes X, Y or N.")


_MAILING = "provider_business_mailing_address"
_PRACTICE = "provider_business_practice_location_address"
_SECONDARY = "provider_secondary_practice_location_address"
_COUNTRY = "country_code_if_outside_u_s"

RULES: dict[str, tuple[Rule, ...]] = {
    "npidata": (
        _npi(),
        _like("entity_type", "entity_type_code", "[12]", "The entity type is 1, 2 or empty."),
        *(
            _number_as_float(f"{address}_{what}")
            for address in (_MAILING, _PRACTICE)
            for what in ("postal_code", "telephone_number", "fax_number")
        ),
        _number_as_float("authorized_official_telephone_number"),
        *(_lost_zero(f"{address}_postal_code", f"{address}_{_COUNTRY}") for address in (_MAILING, _PRACTICE)),
        _like("lost_zero", "other_provider_identifier_type_code_1", "[0-9]{2}", "The code has two digits, as 01."),
        *(
            _date(column)
            for column in (
                "provider_enumeration_date",
                "last_update_date",
                "npi_deactivation_date",
                "npi_reactivation_date",
                "certification_date",
            )
        ),
        *(
            _flag(column)
            for column in (
                "healthcare_provider_primary_taxonomy_switch_1",
                "is_sole_proprietor",
                "is_organization_subpart",
            )
        ),
    ),
    "othername": (
        _npi(),
        _like("name_type", "provider_other_organization_name_type_code", "[0-9]", "The type of a name is one digit."),
    ),
    "pl": (
        _npi(),
        *(
            _number_as_float(column)
            for column in (
                f"{_SECONDARY}_postal_code",
                f"{_SECONDARY}_telephone_number",
                "provider_practice_location_address_fax_number",
            )
        ),
        _lost_zero(f"{_SECONDARY}_postal_code", f"{_SECONDARY}_{_COUNTRY}"),
    ),
    "endpoint": (
        _npi(),
        _number_as_float("affiliation_address_postal_code"),
        _lost_zero("affiliation_address_postal_code", "affiliation_address_country"),
    ),
}
