"""The gate between RAW and CLEAN: what a provider must be before the rest of the house may believe it."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from expectations.rules import fail, fail_unless_accepted, reject, warn
from include.quality.drift import Limit, category_share, null_share, null_shares, row_count

# 50 states, DC, territories, and the military "states" of USPS: where US mail and US law reach.
US_STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI "
    "SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP AA AE AP"
).split()

# Of every state alone, because a cut file takes its states whole; fewer than 20 providers can be a handful of deactivations.
SHRUNK = """
SELECT p.state, COUNT(*) AS served, COUNT(c.npi) AS still_candidates
FROM clean.provider AS p
LEFT JOIN {batch} AS c ON c.npi = p.npi
GROUP BY p.state
HAVING COUNT(*) >= 20 AND COUNT(c.npi) < 0.8 * COUNT(*)
"""


def suite() -> gx.ExpectationSuite:
    """Return the rules for clean.provider_candidate."""
    return gx.ExpectationSuite(
        name="clean.provider_candidate",
        expectations=[
            gxe.ExpectColumnValuesToBeUnique(
                column="npi", meta=fail("NPI is the key: a repeated one would count a dentist twice.")
            ),
            gxe.ExpectTableRowCountToBeBetween(
                min_value=1, meta=fail("No candidate at all means that RAW was not loaded, not that dentists are gone.")
            ),
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=SHRUNK,
                description="over a fifth of a state's served providers are no candidates any more",
                meta=fail_unless_accepted(
                    "No state loses a fifth of its dentists in a week: look at the newest file first."
                ),
            ),
            gxe.ExpectColumnValuesToMatchRegex(
                column="npi", regex=r"^[12][0-9]{9}$", meta=reject("An NPI has ten digits and begins with 1 or 2.")
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="last_name",
                row_condition='col("entity_type") == "individual"',
                condition_parser="great_expectations",
                meta=reject("A person without a last name can be neither matched nor addressed."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="first_name",
                row_condition='col("entity_type") == "individual"',
                condition_parser="great_expectations",
                meta=reject("A person without a first name can be neither matched nor addressed."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="organization_name",
                row_condition='col("entity_type") == "organization"',
                condition_parser="great_expectations",
                meta=reject("An organization without a name is no practice that we could name."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="state", meta=reject("Segment, law and time zone all follow from the state.")
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="state",
                value_set=US_STATES,
                meta=reject("The practice is outside the US, or its state is not a USPS code: we sell in the US only."),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="zip5", meta=reject("Without a ZIP the practice has no location and no ZIP3 segment.")
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="enumeration_date", meta=reject("Every NPI has an enumeration date: its absence is damage.")
            ),
            gxe.ExpectColumnValuesToBeNull(
                column="entity_switched_on",
                meta=warn("CMS gives an NPI one entity type for life: a person should look at the provider's history."),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="address_parse_level",
                value_set=["pattern", "scourgify", "tagged"],
                mostly=0.95,
                meta=warn(
                    "Normally a few in a hundred lines are read by no parser; many mean that a column has moved."
                ),
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="phone_e164",
                mostly=0.9,
                meta=warn("Normally under a tenth of practices publish no usable telephone."),
            ),
        ],
    )


def drift() -> tuple[Limit, ...]:
    """Return how far clean.provider_candidate may move from its last good run."""
    return (
        row_count(
            falls=0.2, meta=fail("A week adds and retires a few in a thousand; a fifth less is a file that was cut.")
        ),
        row_count(
            rises=0.5, meta=warn("So many new dentists at once: a file of another kind, or taxonomies read wrongly.")
        ),
        null_share("phone_e164", moves=0.1, meta=warn("The telephone column has moved, or its form has changed.")),
        null_shares(moves=0.1, meta=warn("A column that CMS fills came empty, or the other way round.")),
        category_share(
            "state", moves=0.05, meta=warn("The mix of states hardly moves: a part of the file is missing.")
        ),
        category_share("specialty", moves=0.05, meta=warn("Taxonomies come from another column, or are mapped anew.")),
        category_share(
            "entity_type", moves=0.05, meta=warn("CMS's code for people and organizations was read wrongly.")
        ),
    )
