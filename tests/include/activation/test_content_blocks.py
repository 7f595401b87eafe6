from __future__ import annotations

from typing import Any

import pytest
import yaml

from include.activation.content_blocks import SOURCE, catalog, content_block, parsed

VALUES = {
    "first_name": "Dana",
    "last_name": "Molar",
    "company_name": "Main Street Dental",
    "city": "Austin",
    "state": "TX",
    "specialty": "general",
    "sender_name": "Sam",
    "unsubscribe_url": "https://example.com/u/1",
    "postal_address": "1 Main St, Austin TX 78701",
}


def document() -> Any:
    return yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


def test_catalogue_when_read_then_has_the_four_styles_and_every_block_can_be_rendered() -> None:
    approved = catalog().approved()
    assert {"benchmark-report", "case-study", "demo-offer", "peer-invite"} <= {block.style for block in approved}
    for block in approved:
        subject, body = block.rendered(VALUES)
        assert "{{" not in subject + body
        assert "https://example.com/u/1" in body
        assert "1 Main St, Austin TX 78701" in body


def test_content_block_when_draft_or_unknown_then_must_not_be_sent() -> None:
    for block_id in ("year-end-equipment-offer", "no-such-block"):
        with pytest.raises(ValueError, match=f"{block_id}.*must not be sent"):
            content_block(block_id)
    assert content_block("peer-invite").approved_by


def test_rendered_when_a_value_is_missing_or_empty_then_names_the_field() -> None:
    with pytest.raises(ValueError, match="growth-benchmark-report: no value for city, company_name"):
        content_block("growth-benchmark-report").rendered({**VALUES, "city": "", "company_name": ""})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"approved_by": None}, "approved without approved_by"),
        ({"status": "ready"}, "neither approved nor draft"),
        ({"subject": "Hi {{nickname}}"}, "unknown merge fields.*nickname"),
        ({"score_bands": ["lukewarm"]}, "unknown score bands.*lukewarm"),
        ({"practice_sizes": ["huge"]}, "unknown practice sizes.*huge"),
        ({"id": "peer-invite"}, "id is used twice"),
    ],
)
def test_parsed_when_a_block_breaks_a_rule_then_says_which(change: dict[str, Any], message: str) -> None:
    body = document()
    body["blocks"][0] |= change
    with pytest.raises(ValueError, match=message):
        parsed(body)


def test_parsed_when_the_footer_lacks_unsubscribe_or_address_then_refuses() -> None:
    for footer in ("{{postal_address}}", "{{unsubscribe_url}}"):
        with pytest.raises(ValueError, match="no {{unsubscribe_url}} or no {{postal_address}}"):
            parsed({**document(), "footer": footer})


def test_parsed_when_policy_names_a_draft_or_a_block_not_allowed_there_then_refuses() -> None:
    body = document()
    body["policy"]["hot"]["large"] = "year-end-equipment-offer"
    body["policy"]["cool"]["large"] = "cost-checklist"
    with pytest.raises(ValueError, match="hot/large names no approved block.*cool/large: block cost-checklist"):
        parsed(body)
