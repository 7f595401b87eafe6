"""Models as functions over frames. Imports no Airflow, reads no clock, opens no connection."""
