"""``make demo``: two weeks of the whole loop through Airflow, and a report of what happened."""
