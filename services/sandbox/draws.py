"""Deterministic draws: a number that depends on the seed and the labels only, never on what was asked before."""

import hashlib
import uuid
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()


def digest(seed: int, *labels: str) -> str:
    """40 hex digits for these labels."""
    return hashlib.blake2b("\x1f".join((str(seed), *labels)).encode(), digest_size=20).hexdigest()


def uniform(seed: int, *labels: str) -> float:
    """A number in (0, 1): never 0 and never 1, so that it can be put into an inverse distribution."""
    return (int(digest(seed, *labels)[:13], 16) + 0.5) / 16**13


def normal(seed: int, *labels: str) -> float:
    """A standard normal number."""
    return _STANDARD_NORMAL.inv_cdf(uniform(seed, *labels))


def choice[T](options: list[tuple[T, float]], share: float) -> T:
    """The option whose band holds `share` (0..1). Weights need not add up to one."""
    rest = share * sum(weight for _, weight in options)
    for option, weight in options:
        rest -= weight
        if rest < 0:
            return option
    return options[-1][0]


def identifier(seed: int, *labels: str) -> str:
    """A UUID for these labels (version 5 layout)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, digest(seed, *labels)))
