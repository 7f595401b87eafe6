"""What the boards' HTML pages say: a form to fill in, a licensee's labeled cells, or that a page came instead of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<[!?a-z]", re.IGNORECASE)  # a tag, a comment: no board's file begins so
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


class PageChanged(ValueError):
    """A page is not the one that we know. A person must compare it with its declaration in include/boards."""


@dataclass
class Form:
    """One form: where it goes, what it sends along unseen, and the names (and options) of what can be filled in."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    options: dict[str, set[str] | None] = field(default_factory=dict)


def page_title(head: bytes) -> str | None:
    """Return the title of an HTML (or XML) page that begins with `head`, "" when it has none there; None for anything else."""
    if not _PAGE.match(head):
        return None
    title = _TITLE.search(head)
    return " ".join(title[1].decode("utf-8", "replace").split())[:80] if title else ""


def form_with(html: str, fields: Mapping[str, str]) -> Form:
    """Return the form of a page that has these fields; raises PageChanged naming the field or the option that is gone."""
    reader = _Forms()
    reader.feed(html)
    for form in reader.forms:
        if set(fields) <= form.options.keys() | form.hidden.keys():
            _check_options(form, fields)
            return form
    known = {name for form in reader.forms for name in form.options}
    raise PageChanged(f"no form has the fields {sorted(set(fields) - known) or sorted(fields)}; it has {sorted(known)}")


def labelled_cells(html: str, labels: Collection[str], title: str) -> dict[str, str]:
    """Return label -> value for the table cells of the form "label : value"; {} when no label is there.

    :param title: label given to the cell before the first labeled one. Raises PageChanged when some labels are
        missing, or one is there twice.
    """
    reader = _Cells()
    reader.feed(html)
    wanted = {label.casefold(): label for label in labels if label != title}
    found: dict[str, str] = {}
    for number, cell in enumerate(reader.cells):
        name, colon, value = cell.partition(":")
        label = wanted.get(name.strip().casefold()) if colon else None
        if label is None:
            continue
        if label in found:
            raise PageChanged(f"the label {label!r} is there twice: two licensees on one page")
        if not found and number:
            found[title] = reader.cells[number - 1]
        found[label] = value.strip()
    missing = sorted(set(labels) - found.keys())
    if found and missing:
        raise PageChanged(f"the labels {missing} are gone; it has {sorted(found)}")
    return found


def _check_options(form: Form, fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        options = form.options.get(name)
        if options is not None and value not in options:
            raise PageChanged(f"the list {name!r} has no {value!r} any more; it has {sorted(options)[:20]}")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        if not self.forms:
            return
        form, name = self.forms[-1], given.get("name", "")
        if tag == "input" and given.get("type", "").lower() == "hidden":
            form.hidden[name] = given.get("value", "")
        elif tag in ("input", "textarea", "button") and name:
            form.options[name] = None
        elif tag == "select":
            self._select = name
            form.options[name] = set()
        elif tag == "option":
            options = form.options.get(self._select)
            if options is not None:
                options.add(given.get("value", ""))


class _Cells(HTMLParser):
    """The texts of the innermost table cells, in order, blanks collapsed."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._open: list[list[str] | None] = []  # None: a cell that holds a table of its own

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and self._open:
            self._open[-1] = None
        if tag in ("td", "th"):
            self._open.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._open:
            texts = self._open.pop()
            if texts is not None:
                self.cells.append(" ".join("".join(texts).split()))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] is not None:
            self._open[-1].append(data)
