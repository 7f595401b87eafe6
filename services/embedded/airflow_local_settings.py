"""Copied into the embedded Airflow's config folder, where every Airflow process imports it at its start.

Tasks of the LocalExecutor are forks of the scheduler, and parsed files are forks of the DAG processor. What nearly all of them
import is loaded here once, before the forks: otherwise each of some hundred short tasks spends most of its time on imports.
"""

import importlib
import os
import pkgutil
import sys

WIRING = ("airflow.providers.google.cloud.operators.bigquery", "airflow.providers.google.cloud.hooks.gcs", "pandas")
WORK = ("great_expectations", "great_expectations.expectations", "lightgbm", "pyarrow.parquet", "sqlalchemy_bigquery")

MODULES = WIRING + WORK if "scheduler" in sys.argv else WIRING if "dag-processor" in sys.argv else ()

for name in MODULES:
    importlib.import_module(name)

# Ours too, where nobody edits it while Airflow runs: it is a third of what a short task spends.
if "scheduler" in sys.argv and os.environ.get("GTM_PRELOAD_OWN_CODE"):
    for package in ("hooks", "operators", "triggers", "include", "expectations", "ml"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
