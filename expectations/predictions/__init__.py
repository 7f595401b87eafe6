"""Suites of the predictions."""
