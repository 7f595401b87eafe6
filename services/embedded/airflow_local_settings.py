"""Copied into the embedded Airflow's config folder, where every Airflow process imports it at its start.

Tasks of the LocalExecutor are forks of the scheduler, and parsed files are forks of the DAG processor. What nearly all of them
import is loaded here once, before the forks: otherwise each of some hundred short tasks spends most of its time on imports.
"""

import importlib
import sys

WIRING = ("airflow.providers.google.cloud.operators.bigquery", "airflow.providers.google.cloud.hooks.gcs", "pandas")
WORK = ("great_expectations", "great_expectations.expectations", "lightgbm", "pyarrow.parquet", "sqlalchemy_bigquery")

MODULES = WIRING + WORK if "scheduler" in sys.argv else WIRING if "dag-processor" in sys.argv else ()

for name in MODULES:
    importlib.import_module(name)
