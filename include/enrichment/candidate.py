"""What a vendor's response about one person says, in our words; SQL reads only this."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """Each field None where the answer does not have it. email_status: valid | risky | unknown.

    phone: E.164. company_size: people who work there. The company's fields are about whom the vendor takes for the
    person's employer.
    """

    email: str | None = None
    email_status: str | None = None
    email_confidence: float | None = None
    email_type: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    title: str | None = None
    company_name: str | None = None
    company_domain: str | None = None
    company_industry: str | None = None
    company_size: int | None = None
    company_founded: int | None = None
    company_revenue: str | None = None
    company_linkedin_url: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields that are there."""
        return {name: value for name, value in asdict(self).items() if value is not None}
