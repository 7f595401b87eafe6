"""Suites of the enriched layer."""
