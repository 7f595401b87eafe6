"""Which license belongs to which person, and which people make a practice: pure functions over DuckDB and Parquet."""
