"""How each vendor of the waterfall is asked: one thin module a vendor around its hook."""

from __future__ import annotations

from importlib import import_module

from include.enrichment.vendors import UnknownVendor
from operators.asking.provider import Answer, EnrichmentProvider

__all__ = ["Answer", "EnrichmentProvider", "provider_of"]

# Imported when asked for: a task needs one vendor's hook.
PROVIDERS = {"wiza": "WizaProvider", "apollo": "ApolloProvider", "clay": "ClayProvider"}


def provider_of(vendor: str) -> EnrichmentProvider:
    """Return the way to ask a vendor of include/enrichment/waterfall.yaml, by its connection `<vendor>_default`.

    Raises UnknownVendor.
    """
    if vendor not in PROVIDERS:
        raise UnknownVendor(
            f"No way to ask {vendor!r} about people: known are {', '.join(sorted(PROVIDERS))}. Add operators/asking/{vendor}.py "
            "and name it in operators/asking/__init__.py (CONTRIBUTING.md)."
        )
    provider: EnrichmentProvider = getattr(import_module(f"operators.asking.{vendor}"), PROVIDERS[vendor])()
    return provider
