"""Install DuckDB's extensions from their wheels into $HOME, so that local-bigquery downloads nothing.

Runs in the emulators environment: ``HOME=<folder> python services/embedded/install_extensions.py``.
"""

from __future__ import annotations

from duckdb_extensions import import_extension

EXTENSIONS = ("icu", "json", "httpfs", "avro", "spatial", "sqlite", "ducklake")

if __name__ == "__main__":
    for name in EXTENSIONS:
        import_extension(name)
