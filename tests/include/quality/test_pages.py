"""Where a gate's page lies and how a browser gets there."""

from __future__ import annotations

import pytest

from include.quality.pages import page_object, page_url

OBJECT = "quality/clean.provider/clean_providers/manual__2025-11-10T06-00-00-00-00/gate_provider.html"


def test_page_object_when_a_run_id_has_a_time_then_it_is_a_plain_path() -> None:
    assert (
        page_object("clean.provider", "clean_providers", "manual__2025-11-10T06:00:00+00:00", "gate_provider") == OBJECT
    )


def test_page_url_when_there_is_no_emulator_then_google_asks_for_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GTM_LAKE_URL", raising=False)
    assert page_url("dental-lake", OBJECT) == f"https://storage.cloud.google.com/dental-lake/{OBJECT}"


def test_page_url_when_the_emulator_is_set_then_it_opens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:4443")
    monkeypatch.delenv("GTM_LAKE_URL", raising=False)
    url = page_url("dental-lake", "quality/t/a b.html")
    assert url == "http://127.0.0.1:4443/download/storage/v1/b/dental-lake/o/quality%2Ft%2Fa%20b.html?alt=media"


def test_page_url_when_a_browser_sees_the_emulator_elsewhere_then_it_opens_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://gcs:4443")
    monkeypatch.setenv("GTM_LAKE_URL", "http://127.0.0.1:4443")
    assert page_url("dental-lake", OBJECT).startswith("http://127.0.0.1:4443/download/")
