"""HTML that boards show: forms to fill in, labeled cells, and pages that are not what they were."""

from __future__ import annotations

import pytest

from include.boards.pages import PageChanged, form_with, labelled_cells, page_title

FORM = """<html><body><form action="/menu"><input name="q"></form>
<form method="post" action="./Results.aspx"><input type="hidden" name="__VIEWSTATE" value="a&amp;b"/>
<select name="profession"><option value="">All</option><option value="Dentistry">Dentistry</option></select>
<input type="submit" name="go" value="Search"></form></body></html>"""
CELLS = """<table><tr><td>State : elsewhere <table><tr><td><b> Dr. Ada Abbot</b></td><td><b>Number : </b>&nbsp;4711</td></tr>
<tr><td>State :</b>&nbsp;NC</td><td>Status : &nbsp;<font>Good Standing</font></td></tr></table></td></tr></table>"""
LABELS = ["Name", "Number", "State", "Status"]


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (b"<!DOCTYPE html><title>Site  under\nmaintenance</title>", "Site under maintenance"),
        (b"\xef\xbb\xbf\n <HTML><body>", ""),
        (b'<?xml version="1.0"?><html>', ""),
        (b"<!-- busy -->\n<table>", ""),
        (b"<4711|ADA", None),
        (b'"REC_TYPE","LIC_ID"', None),
        (b"[{}]", None),
        (b"", None),
    ],
)
def test_page_title_when_html_then_its_title_else_none(head: bytes, title: str | None) -> None:
    assert page_title(head) == title


def test_form_with_when_the_fields_are_there_then_that_form_with_its_hidden_fields() -> None:
    form = form_with(FORM, {"profession": "Dentistry", "go": "Search"})
    assert (form.action, form.hidden) == ("./Results.aspx", {"__VIEWSTATE": "a&b"})


def test_form_with_when_a_field_is_gone_then_it_is_named_with_what_there_is() -> None:
    with pytest.raises(PageChanged, match=r"no form has the fields \['board'\]; it has \['go', 'profession', 'q'\]"):
        form_with(FORM, {"board": "Dentistry", "go": "Search"})


def test_form_with_when_an_option_is_gone_then_it_is_named_with_what_there_is() -> None:
    with pytest.raises(PageChanged, match=r"'profession' has no 'DENTISTRY' any more; it has \['', 'Dentistry'\]"):
        form_with(FORM, {"profession": "DENTISTRY"})


def test_labelled_cells_when_all_are_there_then_values_and_the_title_before_them() -> None:
    found = labelled_cells(CELLS, LABELS, "Name")
    assert found == {"Name": "Dr. Ada Abbot", "Number": "4711", "State": "NC", "Status": "Good Standing"}


def test_labelled_cells_when_none_is_there_then_nobody() -> None:
    assert labelled_cells("<table><tr><td>No match</td></tr></table>", LABELS, "Name") == {}


def test_labelled_cells_when_one_is_gone_then_it_is_named() -> None:
    with pytest.raises(PageChanged, match=r"the labels \['Status'\] are gone; it has \['Name', 'Number', 'State'\]"):
        labelled_cells(CELLS.replace("Status", "Standing"), LABELS, "Name")


def test_labelled_cells_when_two_licensees_are_shown_then_changed() -> None:
    with pytest.raises(PageChanged, match="'Number' is there twice"):
        labelled_cells(CELLS + CELLS, LABELS, "Name")
