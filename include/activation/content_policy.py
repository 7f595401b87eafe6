"""Which content block a person gets, and with what probability: a pure function of the person and the catalog.

Outside exploration the policy of the catalog decides. A stable share of people explores: each of them keeps one
block, drawn evenly from all approved blocks that their band and practice size allow. The propensity is that of the
block for such a person, over both ways in which they could have got it, so that off-policy estimates can weigh by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from include.activation.content_blocks import UNSCORED, Catalog


@dataclass(frozen=True)
class Person:
    """`rank_pct`: rank of the lead score among all leads, 1 is the best; None when there is no prediction yet."""

    person_id: str
    practice_size_band: str
    rank_pct: float | None


@dataclass(frozen=True)
class Choice:
    content_block_id: str
    reason: str
    propensity: float


def chosen(person: Person, catalog: Catalog) -> Choice:
    """The block for this person; the same person in the same band always gets the same one."""
    band = score_band(person.rank_pct, catalog)
    size = person.practice_size_band
    allowed = [block.id for block in catalog.approved() if band in block.score_bands and size in block.practice_sizes]
    usual = catalog.policy[band, size]
    explores = bucket(catalog.experiment, person.person_id) < catalog.exploration_percent
    block = _even_draw(catalog.experiment, person.person_id, allowed) if explores else usual
    way = "explore" if explores else "default" if band == UNSCORED else "policy"
    share = catalog.exploration_percent / 100
    propensity = share / len(allowed) + (1 - share if block == usual else 0.0)
    return Choice(block, f"{way}:{band}/{size}", round(propensity, 6))


def score_band(rank_pct: float | None, catalog: Catalog) -> str:
    """Best band whose least rank the person reaches; "unscored" without a prediction."""
    if rank_pct is None:
        return UNSCORED
    return next(band for band, least in catalog.score_bands if rank_pct >= least)


def bucket(experiment: str, person_id: str) -> int:
    """Stable bucket 0..99, by the same formula as the holdouts' SQL."""
    return int(sha256(f"{experiment}:{person_id}".encode()).hexdigest()[:8], 16) % 100


def _even_draw(experiment: str, person_id: str, options: list[str]) -> str:
    # Not the bucket's hash: explorers all have a low bucket, and a draw from that would favour the first options.
    return options[int(sha256(f"{experiment}:block:{person_id}".encode()).hexdigest()[:8], 16) % len(options)]
