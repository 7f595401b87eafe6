"""The content blocks of content_blocks.yaml: who may get which, and their text with merge fields filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("content_blocks.yaml")
PRACTICE_SIZES = ("solo", "small", "medium", "large")
UNSCORED = "unscored"
_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class ContentBlock:
    """`body` ends with the footer. `approved_by` (a role) and `approved_on` are None for a draft."""

    id: str
    name: str
    style: str
    status: str
    offer: str
    subject: str
    body: str
    score_bands: tuple[str, ...]
    practice_sizes: tuple[str, ...]
    approved_by: str | None
    approved_on: date | None

    def merge_fields(self) -> set[str]:
        return set(_FIELD.findall(self.subject + self.body))

    def rendered(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Subject and body with every merge field filled in; raises ValueError naming those that have no value."""
        missing = sorted(field for field in self.merge_fields() if not values.get(field))
        if missing:
            raise ValueError(
                f"content block {self.id}: no value for {', '.join(missing)}; an e-mail is never sent with gaps"
            )
        filled = [_FIELD.sub(lambda found: values[found.group(1)], text) for text in (self.subject, self.body)]
        return filled[0], filled[1]


@dataclass(frozen=True)
class Catalog:
    """All blocks and the rules by which people get them.

    `score_bands`: band -> least rank_pct, best first. `policy`: (score band or "unscored", practice size) -> block id.
    """

    blocks: tuple[ContentBlock, ...]
    score_bands: tuple[tuple[str, float], ...]
    policy: Mapping[tuple[str, str], str]
    exploration_percent: int
    experiment: str

    def approved(self) -> tuple[ContentBlock, ...]:
        return tuple(block for block in self.blocks if block.status == "approved")


@cache
def catalog() -> Catalog:
    """The catalog that the repository ships."""
    return parsed(yaml.safe_load(SOURCE.read_text(encoding="utf-8")))


def content_block(block_id: str) -> ContentBlock:
    """The approved block of this id; raises ValueError for an unknown id and for a draft."""
    found = next((block for block in catalog().approved() if block.id == block_id), None)
    if found is None:
        raise ValueError(f"content block {block_id!r} is not an approved block of {SOURCE.name}; it must not be sent")
    return found


def parsed(body: Mapping[str, Any]) -> Catalog:
    """The catalog of a parsed YAML document; raises ValueError with every fault that it finds."""
    footer = body["footer"]
    blocks = tuple(_block(item, footer) for item in body["blocks"])
    found = Catalog(
        blocks=blocks,
        score_bands=tuple(sorted(body["score_bands"].items(), key=lambda band: -band[1])),
        policy={(band, size): block for band, sizes in body["policy"].items() for size, block in sizes.items()},
        exploration_percent=body["exploration_percent"],
        experiment=body["experiment"],
    )
    faults = [fault for block in blocks for fault in _block_faults(block, set(body["merge_fields"]), found)]
    faults += _policy_faults(found)
    if faults:
        raise ValueError(f"{SOURCE.name}: " + "; ".join(faults))
    return found


def _block(item: Mapping[str, Any], footer: str) -> ContentBlock:
    tuples = {name: tuple(item[name]) for name in ("score_bands", "practice_sizes")}
    return ContentBlock(**{**item, **tuples, "body": f"{item['body'].rstrip()}\n\n{footer.rstrip()}\n"})


def _block_faults(block: ContentBlock, merge_fields: set[str], whole: Catalog) -> list[str]:
    bands = {band for band, _ in whole.score_bands} | {UNSCORED}
    fields = block.merge_fields()
    checks = {
        f"status {block.status!r} is neither approved nor draft": block.status in ("approved", "draft"),
        "approved without approved_by and approved_on": block.status != "approved"
        or bool(block.approved_by and block.approved_on),
        f"unknown merge fields {sorted(fields - merge_fields)}": fields <= merge_fields,
        "no {{unsubscribe_url}} or no {{postal_address}} in the body": {"unsubscribe_url", "postal_address"} <= fields,
        f"unknown score bands {sorted(set(block.score_bands) - bands)}": set(block.score_bands) <= bands,
        f"unknown practice sizes {sorted(set(block.practice_sizes) - set(PRACTICE_SIZES))}": set(block.practice_sizes)
        <= set(PRACTICE_SIZES),
        "its id is used twice": [b.id for b in whole.blocks].count(block.id) == 1,
    }
    return [f"block {block.id}: {fault}" for fault, holds in checks.items() if not holds]


def _policy_faults(whole: Catalog) -> list[str]:
    approved = {block.id: block for block in whole.approved()}
    bands = [band for band, _ in whole.score_bands] + [UNSCORED]
    faults = []
    for key in ((band, size) for band in bands for size in PRACTICE_SIZES):
        block = approved.get(whole.policy.get(key, ""))
        if block is None:
            faults.append(f"policy {key[0]}/{key[1]} names no approved block: {whole.policy.get(key)!r}")
        elif key[0] not in block.score_bands or key[1] not in block.practice_sizes:
            faults.append(f"policy {key[0]}/{key[1]}: block {block.id} is not approved for it")
    if whole.score_bands[-1][1] > 0:
        faults.append(f"the lowest score band starts at {whole.score_bands[-1][1]}: it must start at 0")
    return faults
