"""One notifier a file: what Airflow calls when a task has failed or a run has missed its deadline."""
