"""Google's own analyzer of GoogleSQL (ZetaSQL, PyPI ``zetasql``), with the catalog that include/sql defines."""
