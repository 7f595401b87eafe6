"""Suites of the segmented layer."""
