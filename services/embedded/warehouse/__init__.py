"""local-bigquery, made quick: the same answers in half the time.

Runs in the emulators environment: ``python -m services.embedded.warehouse`` takes local-bigquery's own arguments. local-bigquery
0.3.2 keeps its tables in DuckLake, where each statement costs some ten milliseconds before it begins, lists all tables and all
columns to find one, and translates a text anew each time. Here the tables are plain DuckDB's, the catalog is asked for the one table,
a translation is kept for the next time that its text comes, a query is planned once, and jobs stay in memory. What is lost is time
travel (FOR SYSTEM_TIME AS OF). docs/adr/0003-emulators-not-mocks.md has the measurement.
"""
