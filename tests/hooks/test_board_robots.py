"""robots.txt: what a site forbids is never read, however it says so."""

from __future__ import annotations

import pytest

from hooks.board import USER_AGENT, robots

PATH = "/lib/csv/Dentist.csv"


def allowed(text: str, path: str = PATH) -> bool:
    return bool(robots(text).can_fetch(path, USER_AGENT))


@pytest.mark.parametrize(
    "rules",
    [
        "User-agent: *\nDisallow: /",
        "User-agent: *\nDisallow: /lib/",
        "\ufeffUser-agent: *\r\nDisallow: /\r\n",
        "User-Agent:*\nDisallow:/lib # not for machines",
        "User-agent: *\nDisallow: /*.csv$",
        "User-agent: *\nDisallow: */csv/",
        "User-agent: *\nAllow: /\nDisallow: /lib/",
        "User-agent: *\nDisallow: /lib/%63sv/",
        "User-agent: other\nUser-agent: Dental-GTM/1.0\nDisallow: /",
        "User-agent: *\nDisallow: /img/\n\nUser-agent: *\nDisallow: /lib/",
        "User-agent: *\nAllow: /lib/\nSitemap: /map.xml\nDisallow: /lib/csv/",
    ],
)
def test_allows_when_a_rule_forbids_the_path_then_not(rules: str) -> None:
    assert not allowed(rules)


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "<html>not found</html>",
        "Disallow: /",
        "User-agent: *\nDisallow:",
        "User-agent: *\nDisallow: /lib/csv/Dentist.csv.zip",
        "User-agent: *\nDisallow: /*.xls$\nDisallow: /csv/",
        "User-agent: *\nDisallow: /\nAllow: /lib/",
        "User-agent: *\nDisallow: /lib/\nAllow: /lib/",
        "User-agent: dental-gtm\nDisallow:\n\nUser-agent: *\nDisallow: /",
        "User-agent: other\nDisallow: /",
    ],
)
def test_allows_when_no_rule_forbids_the_path_then_it_is(rules: str) -> None:
    assert allowed(rules)


def test_allows_when_the_rule_is_about_the_query_then_it_counts() -> None:
    assert not allowed("User-agent: *\nDisallow: /*?*handler=", "/LicensureData?fileName=x&handler=DownloadDataFile")


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("2.5", 2.5), ("soon", None), ("-1", None)])
def test_crawl_delay_when_told_then_in_seconds(value: str, seconds: float | None) -> None:
    assert robots(f"User-agent: *\nCrawl-delay: {value}").crawl_delay(USER_AGENT) == seconds
    assert robots(f"User-agent: other\nCrawl-delay: {value}").crawl_delay(USER_AGENT) is None
