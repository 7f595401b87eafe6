"""Each board's own way to write its list: columns, quotes, dates, status words. Formats as published (docs/sources)."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from services.sandbox.board_licensees import Licensee

# Standing -> the board's words. `new_word` is one that no declaration knows yet.
WORDS: Mapping[str, Mapping[str, str]] = {
    "TX": {"active": "Active", "lapsed": "Cancelled", "retired": "Retired", "deceased": "Deceased",
           "disciplined": "Enf Suspension", "restricted": "Active/Probate", "new_word": "Military Service"},
    "NJ": {"active": "Active", "lapsed": "Inactive-Paid", "retired": "Retired", "deceased": "Deceased",
           "disciplined": "Revoked", "restricted": "Active", "new_word": "Reinstatement Denied"},
    "MA": {"active": "Current", "lapsed": "Expired", "retired": "Retired", "deceased": "Deceased",
           "disciplined": "Suspension: Expired", "restricted": "Probation", "new_word": "Monitoring; Expired"},
    "FL": {"active": "Clear|Active", "lapsed": "Clear|Delinquent", "retired": "Retired|", "deceased": "Deceased|",
           "disciplined": "Emergency Suspension|Active", "restricted": "Probation|Active", "new_word": "Administrative|Active"},
    "WA": {"active": "ACTIVE", "lapsed": "EXPIRED", "retired": "RETIRED", "deceased": "DECEASED",
           "disciplined": "SUSPENDED", "restricted": "ACTIVE WITH CONDITIONS", "new_word": "MILITARY"},
    "IL": {"active": "ACTIVE", "lapsed": "NOT RENEWED", "retired": "INACTIVE", "deceased": "DECEASED",
           "disciplined": "REVOKED", "restricted": "PROBATION", "new_word": "MILITARY"},
    "CT": {"active": "ACTIVE", "lapsed": "INACTIVE", "retired": "INACTIVE", "deceased": "INACTIVE",
           "disciplined": "REVOKED", "restricted": "ACTIVE - PROBATION", "new_word": "ON HOLD"},
    "CO": {"active": "Active", "lapsed": "Expired", "retired": "Retired", "deceased": "Expired",
           "disciplined": "Surrendered", "restricted": "Active - With Conditions", "new_word": "Active - Telehealth ONLY"},
    "CA": {"active": "Current", "lapsed": "Delinquent", "retired": "Retired", "deceased": "Deceased",
           "disciplined": "Revoked", "restricted": "Probation", "new_word": "Family Support"},
    "NC": {"active": "Good Standing", "lapsed": "Inactive", "retired": "Retired", "deceased": "Inactive",
           "disciplined": "Suspended", "restricted": "Probation", "new_word": "Volunteer"},
}  # fmt: skip
TX_CODES = {"Active": 20, "Cancelled": 60, "Retired": 72, "Deceased": 80, "Enf Suspension": 47, "Active/Probate": 46}
TX_COLUMNS = (
    "REC_TYPE LIC_ID LIC_NBR LIC_STA_CDE LIC_STA_DESC LIC_ORIG_DTE LIC_EXPR_DTE FIRST_NME MIDDLE_NME LAST_NME "
    "FORMER_LAST_NME GENDER ADDRESS1 ADDRESS2 CITY STATE ZIP COUNTY COUNTRY PHONE NOX_PERMIT_DTE LEVEL_1_DTE LEVEL_2_DTE "
    "LEVEL_3_DTE LEVEL_4_DTE PORTABILITY DISC_ACTION PRAC_DESC PRAC_TYPES GRAD_YR SCHOOL BIRTH_YEAR SHRP_MOD SPP_MOD "
    "ENTITY_NBR REMEDIAL_PLNS ERX_WAIVER LEVEL_EXEMPT"
).split()
NJ_COLUMNS = (
    "full_name first_name middle_name last_name name_suffix profession_name license_type_name license_no issue_date "
    "expiration_date addr_line_1 addr_line_2 addr_city addr_state addr_zipcode addr_county addr_email license_status_name"
).split()
MA_COLUMNS = (
    "full_name license_no license_type_name license_status_name expiration_date addr_line_1 addr_line_2 addr_line_4 "
    "addr_city addr_county addr_state addr_zipcode issue_date"
).split()
FL_COLUMNS = (
    "pro_cde profession_name lic_id expire_date original_date rank_code license_number status_effective_date "
    "board_action_indicator license_status_description last_name first_name middle_name name_suffix business_name "
    "license_active_status_description county county_description mailing_address_line1 mailing_address_line2 "
    "mailing_address_line3 mailing_address_city mailing_address_state mailing_address_zipcode mailing_address_area_code "
    "mailing_address_phone_number mailing_address_phone_extension practice_location_address_line1 "
    "practice_location_address_line2 practice_location_address_line3 practice_location_address_city "
    "practice_location_address_state practice_location_address_zipcode email mod_cdes prescribe_ind dispensing_ind "
    "birth_year_range other_license"
).split()
CA_COLUMNS = (
    "Agency Code|Agency Name|LicTypeCode|License Type|License Number|Indiv/Org|Org/Last Name|First Name|Middle Name|Suffix|"
    "Address Line 1|Address Line 2|City|County|State|Zip|Country|Original Issue Date|Expiration Date|License Status"
).split("|")
FL_NO_ADDRESS = "*** NOT AVAILABLE ***"


def tx_file(people: Sequence[Licensee]) -> bytes:
    """CSV: texts quoted, numbers bare, LF, MM/DD/YYYY; a cell of one blank here and there."""
    lines = [",".join(f'"{name}"' for name in TX_COLUMNS)]
    for number, who in enumerate(people, start=100_000):
        word = WORDS["TX"][who.standing]
        values: list[str | int] = [
            "Licensed Dentist", number, digits(who), TX_CODES.get(word, 99), word, _slashes(who.issued), _slashes(who.expires),
            who.first_name, who.middle_name, who.last_name, who.former_last_name, "", who.address, "", who.city, who.state,
            who.zip5, "", "United States", _phone(who), "No Permit", "No Permit", "No Permit", "No Permit", "No Permit", "No",
            "Yes" if who.standing in ("disciplined", "restricted") else "No", "Private" if who.npi else " ", "GEN",
            str(who.issued.year), "", "", "No", "No", number + 500_000, "No", "", "No",
        ]  # fmt: skip
        lines.append(",".join(_quoted(value) for value in values))
    return ("\n".join(lines) + "\n").encode()


def nj_file(people: Sequence[Licensee]) -> bytes:
    """Pipes, no quotes, an empty last column, DD/MM/YYYY."""
    rows = [
        [_full_name(who), who.first_name, who.middle_name, who.last_name, "", "Dentistry", "Dentist", license_number("NJ", who),
         f"{who.issued:%d/%m/%Y}", f"{who.expires:%d/%m/%Y}", who.address, "", who.city, who.state, who.zip5, "",
         who.email, WORDS["NJ"][who.standing]]
        for who in people
    ]  # fmt: skip
    return _pipes(NJ_COLUMNS, rows, trailing=True)


def ma_file(people: Sequence[Licensee]) -> bytes:
    """Pipes, no quotes, an empty last column, DD-MM-YYYY 00:00:00."""
    rows = [
        [_full_name(who).title(), license_number("MA", who), "Dentist", WORDS["MA"][who.standing], f"{who.expires:%d-%m-%Y} 00:00:00",
         who.address.title(), "", f"{who.city.title()} {who.state}  {who.zip5}", who.city.title(), "", who.state, who.zip5,
         f"{who.issued:%d-%m-%Y} 00:00:00"]
        for who in people
    ]  # fmt: skip
    return _pipes(MA_COLUMNS, rows, trailing=True)


def fl_file(people: Sequence[Licensee]) -> bytes:
    """Pipes, no quotes, 39 columns, MM/DD/YYYY; who has no address is not available."""
    rows = []
    for number, who in enumerate(people, start=1):
        word, activity = WORDS["FL"][who.standing].split("|")
        street, city = (who.address, who.city) if who.npi else (FL_NO_ADDRESS, FL_NO_ADDRESS)
        rows.append(
            ["701", "Dentist", str(number), _slashes(who.expires), _slashes(who.issued), "DN", digits(who),
             _slashes(who.issued), "Y" if who.standing == "disciplined" else "N", word, who.last_name, who.first_name,
             who.middle_name, "", "", activity, "99", "Unknown", street, "", "", city, who.state, who.zip5, who.phone[:3],
             who.phone[3:], "", street, "", "", city, who.state, who.zip5, who.email, "", "Y", "N", "", ""]
        )  # fmt: skip
    return _pipes(FL_COLUMNS, rows, trailing=False)


def ca_file(people: Sequence[Licensee]) -> bytes:
    """Tab-separated text under the name .xls, CRLF, MM-DD-YYYY; ZIP+4 without a hyphen."""
    rows = [
        ["1902", "Dental Board of California", "10", "Dentist", digits(who), "I", who.last_name, who.first_name, who.middle_name, "",
         who.address, "", who.city, "UNKNOWN", who.state, who.zip5, "United States", f"{who.issued:%m-%d-%Y}",
         f"{who.expires:%m-%d-%Y}", WORDS["CA"][who.standing]]
        for who in people
    ]  # fmt: skip
    return "".join("\t".join(row) + "\r\n" for row in (CA_COLUMNS, *rows)).encode()


def wa_rows(people: Sequence[Licensee]) -> list[dict[str, Any]]:
    return [
        {"credentialnumber": license_number("WA", who), "lastname": who.last_name.title(), "firstname": who.first_name.title(),
         "middlename": who.middle_name.title(), "credentialtype": "Dentist License", "status": WORDS["WA"][who.standing],
         "birthyear": str(who.issued.year - 27), "firstissuedate": f"{who.issued:%Y%m%d}",
         "lastissuedate": f"{who.issued:%Y%m%d}", "expirationdate": f"{who.expires:%Y%m%d}",
         "actiontaken": "Yes" if who.standing in ("disciplined", "restricted") else "No"}
        for who in people
    ]  # fmt: skip


def il_rows(people: Sequence[Licensee]) -> list[dict[str, Any]]:
    """Dentists, and for every twentieth a professional service corporation of theirs."""
    rows = [
        {"license_type": "DENTAL", "description": "LICENSED DENTIST", "license_number": license_number("IL", who),
         "license_status": WORDS["IL"][who.standing], "business": "N", "first_name": who.first_name,
         "middle": who.middle_name, "last_name": who.last_name, **_il_rest(who)}
        for who in people
    ]  # fmt: skip
    firms = [
        {"license_type": "DENTAL", "description": "DENTAL PROF SERVICE CORP", "license_number": f"060{number:06d}",
         "license_status": "ACTIVE", "business": "Y", "business_name": f"{who.last_name} DENTAL PC", **_il_rest(who)}
        for number, who in enumerate(people[::20], start=1)
    ]  # fmt: skip
    return [*rows, *firms]


def ct_rows(people: Sequence[Licensee]) -> list[dict[str, Any]]:
    return [
        {"credentialid": str(700_000 + number), "name": _full_name(who), "type": "INDIVIDUAL",
         "fullcredentialcode": license_number("CT", who), "credentialtype": "2", "credentialnumber": digits(who),
         "credential": "Dentist", "status": WORDS["CT"][who.standing],
         "statusreason": "CURRENT" if who.standing == "active" else "LAPSED DUE TO NON-RENEWAL",
         "active": "1" if who.standing in ("active", "restricted") else "0", "issuedate": _iso(who.issued),
         "effectivedate": _iso(who.issued), "expirationdate": _iso(who.expires), "address": who.address, "city": who.city,
         "state": who.state, "zip": who.zip5, "recordrefreshedon": "2025-11-03T00:00:00.000"}
        for number, who in enumerate(people)
    ]  # fmt: skip


def co_rows(people: Sequence[Licensee]) -> list[dict[str, Any]]:
    """One row for each public action: who has two stands there twice."""
    rows = []
    for who in people:
        row = {
            "lastname": who.last_name.title(), "firstname": who.first_name.title(), "middlename": who.middle_name.title(),
            "city": who.city.title(), "state": who.state, "mailzipcode": who.zip5, "licensetype": "DEN",
            "licensenumber": digits(who), "licensefirstissuedate": _iso(who.issued), "licenseexpirationdate": _iso(who.expires),
            "licensestatusdescription": WORDS["CO"][who.standing],
            "linktoverifylicense": {"url": f"https://dora.example/verify?cred={digits(who)}"},
        }  # fmt: skip
        actions = ("CLS Stipulation", "CLS Letter of Admonition") if who.standing == "disciplined" else ()
        rows += [{**row, "casenumber": f"2025-{n:04d}", "programaction": action} for n, action in enumerate(actions)]
        rows += [] if actions else [row]
    return rows


def nc_page(who: Licensee | None) -> str:
    """The answer to one look-up; without a licensee, the page has no labeled cells."""
    cells = ""
    if who:
        restricted = "Y" if who.standing in ("disciplined", "restricted") else "N"
        cells = (
            "<tr><td colspan=2><hr width='100%'></td></tr>"
            f"<tr><td nowrap><b> Dr. {escape(_full_name(who).title())}</b></td>"
            f"<td nowrap><b>License # : </b>&nbsp;{digits(who)} (Licensed Dentist)</td></tr>"
            f"<tr><td><b>City : </b>&nbsp;{escape(who.city)}</td>"
            f"<td nowrap><b>License Issued : &nbsp;</b>&nbsp;{who.issued.month}/{who.issued.day}/{who.issued.year}</td></tr>"
            f"<tr><td><b>State :</b>&nbsp;{who.state}</td>"
            f"<td nowrap><b>Expiration : </b>&nbsp;{who.expires.month}/{who.expires.day}/{who.expires.year}</td></tr>"
            f"<tr><td><b>Board Action : </b>&nbsp;{restricted}</td>"
            f"<td nowrap><b>Status : &nbsp;<font color=red>{WORDS['NC'][who.standing]}</font></b></td></tr>"
            "<tr><td><b>Anesthesia: </b>&nbsp;N</td><td nowrap><b>Sedation: </b>&nbsp;N</td></tr>"
        )
    return (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">\n<html><head><title>State Board of Dental '
        'Examiners</title></head>\n<body><table><tr><td><p><span class="headline">search results</span></p>\n<table>'
        f"<tr><td class=title colspan=2><b>DENTISTS</b></td></tr>\n{cells}\n</table></td></tr></table></body></html>\n"
    )


def license_number(state: str, who: Licensee) -> str:
    """The number in the board's own writing."""
    forms: Mapping[str, Callable[[Licensee], str]] = {
        "NJ": lambda who: f"22DI{int(digits(who)):08d}",
        "MA": lambda who: f"DN{digits(who)}",
        "WA": lambda who: who.number if who.number.startswith("DE") else f"DE6{int(digits(who)):07d}",
        "IL": lambda who: re.sub(r"\D", "", who.number) if "." in who.number else f"019{int(digits(who)):06d}",
        "CT": lambda who: f"2.{int(digits(who)):06d}",
    }
    return forms.get(state, digits)(who)


def digits(who: Licensee) -> str:
    return re.sub(r"\D", "", who.number)


FILES: Mapping[str, Callable[[Sequence[Licensee]], bytes]] = {
    "TX": tx_file, "NJ": nj_file, "MA": ma_file, "FL": fl_file, "CA": ca_file,
}  # fmt: skip
DATA_SETS: Mapping[str, Callable[[Sequence[Licensee]], list[dict[str, Any]]]] = {
    "WA": wa_rows, "IL": il_rows, "CT": ct_rows, "CO": co_rows,
}  # fmt: skip


def published(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as Socrata writes them: a row a line, and no field without a value."""
    filled = [{name: value for name, value in row.items() if value != ""} for row in rows]
    return ("[" + "\n,".join(json.dumps(row, separators=(",", ":")) for row in filled) + "]\n").encode()


def _quoted(value: str | int) -> str:
    return str(value) if isinstance(value, int) else '"' + value.replace('"', '""') + '"'


def _pipes(columns: Sequence[str], rows: Sequence[Sequence[str]], *, trailing: bool) -> bytes:
    end = "|\n" if trailing else "\n"
    return "".join("|".join(values) + end for values in (columns, *rows)).encode()


def _il_rest(who: Licensee) -> dict[str, str]:
    return {
        "original_issue_date": _slashes(who.issued), "effective_date": _slashes(who.issued),
        "expiration_date": _slashes(who.expires), "city": who.city.title(), "state": who.state, "zip": who.zip5,
        "county": "Cook", "ever_disciplined": "Y" if who.standing in ("disciplined", "restricted") else "N",
        "lastmodifieddate": "11/01/2025",
    }  # fmt: skip


def _full_name(who: Licensee) -> str:
    return " ".join(name for name in (who.first_name, who.middle_name, who.last_name) if name)


def _phone(who: Licensee) -> str:
    return f"({who.phone[:3]}) {who.phone[3:6]}-{who.phone[6:]}" if len(who.phone) == 10 else ""


def _slashes(day: date) -> str:
    return f"{day:%m/%d/%Y}"


def _iso(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000"
