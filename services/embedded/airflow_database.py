"""How long the embedded Airflow's processes wait for SQLite, in which one writes at a time.

The API server notes each action of a person in its event loop. While that waits for another of its own requests to commit, the other
cannot: both stand until SQLite gives up, and so would the scheduler, which ends then. So the API server gives up soon and is asked again
(tasks and AirflowApi do that), and the others wait.
"""

PATIENT = {"timeout": 30}  # seconds
BRIEF = {"timeout": 2}
