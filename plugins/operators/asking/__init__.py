"""How each vendor of the waterfall is asked: one thin module a vendor around its hook."""

from __future__ import annotations

from operators.asking.asker import Answer, Asker

__all__ = ["Answer", "Asker", "asker_of"]


def asker_of(vendor: str) -> Asker:
    """Return the way to ask a vendor of include/enrichment/waterfall.yaml, by its connection `<vendor>_default`."""
    if vendor == "wiza":
        from operators.asking.wiza import WizaAsker

        return WizaAsker()
    if vendor == "apollo":
        from operators.asking.apollo import ApolloAsker

        return ApolloAsker()
    if vendor == "clay":
        from operators.asking.clay import ClayAsker

        return ClayAsker()
    raise ValueError(f"{vendor}: no way to ask them; there is wiza, apollo and clay")
