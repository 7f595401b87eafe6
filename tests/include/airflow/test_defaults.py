"""What all DAGs share: tags, assets, pools and the retry rules."""

from __future__ import annotations

from importlib import import_module

import pytest

from hooks.http.errors import (
    AuthFailed,
    BadRequest,
    OutcomeUnknown,
    OutOfCredits,
    RateLimited,
    ResponseLost,
    VendorDown,
)
from include.airflow.defaults import (
    DEFAULT_ARGS,
    VENDOR_RETRY,
    Kind,
    Stage,
    System,
    Tier,
    as_of_param,
    asset,
    tags,
)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (AuthFailed, "fail"),
        (BadRequest, "fail"),
        (OutOfCredits, "fail"),
        (OutcomeUnknown, "fail"),
        (ResponseLost, "default"),  # Instantly reconciles: its retry mends it
        (RateLimited, "retry"),
        (VendorDown, "default"),
    ],
)
def test_vendor_retry_when_a_task_raises_decides_by_the_error(error: type[Exception], action: str) -> None:
    # A real instance has fields of its own; the rules look at the class only.
    decision = VENDOR_RETRY.evaluate(error.__new__(error), try_number=1, max_tries=3)
    assert decision.action.value == action


def test_vendor_retry_when_the_vendor_limits_waits_for_its_window() -> None:
    decision = VENDOR_RETRY.evaluate(RateLimited.__new__(RateLimited), try_number=1, max_tries=3)
    assert decision.retry_delay is not None and decision.retry_delay.total_seconds() >= 300


def test_vendor_retry_names_exceptions_that_import() -> None:
    listed = [rule.exception if isinstance(rule.exception, list) else [rule.exception] for rule in VENDOR_RETRY.rules]
    names = [name for exceptions in listed for name in exceptions]
    assert len(names) == 7
    for name in names:
        module, _, attribute = str(name).rpartition(".")
        assert issubclass(getattr(import_module(module), attribute), Exception), name


def test_default_arguments_retry_and_end() -> None:
    assert DEFAULT_ARGS["retries"] == 2
    assert {"owner", "retry_delay", "execution_timeout"} <= set(DEFAULT_ARGS)


def test_tags_are_plain_and_sorted() -> None:
    given = tags(Stage.CLEAN, Tier.TWO, Kind.CONVERGENT, System.NPPES, System.BIGQUERY)
    assert given == ["kind:convergent", "stage:clean", "system:bigquery", "system:nppes", "tier:2"]


def test_asset_when_the_table_is_defined_carries_its_name() -> None:
    assert (asset("clean.provider").name, asset("clean.provider").uri) == (
        "clean.provider",
        "bigquery-table://clean/provider",
    )


def test_asset_when_the_table_is_unknown_says_so() -> None:
    with pytest.raises(ValueError, match="No table 'clean.nothing'"):
        asset("clean.nothing")


@pytest.mark.parametrize("value", [None, "2025-11-10T06:00:00+00:00"])
def test_as_of_param_takes_nothing_or_a_time(value: str | None) -> None:
    assert as_of_param().resolve(value) == value


def test_as_of_param_when_it_is_no_text_is_refused() -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        as_of_param().resolve(20251110)
