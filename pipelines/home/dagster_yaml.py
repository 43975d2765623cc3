"""Dagster's own settings in a new home.

Here: the text of ``.dagster/dagster.yaml``.
Not here: writing it (``pipelines.home.folder``).
"""

DAGSTER_YAML = """\
# Dagster's own settings for this home; see https://docs.dagster.io/deployment/oss/dagster-yaml
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1   # a second run would only wait for the lock on the home
code_servers:
  wait_for_local_processes_on_shutdown: true   # a daemon that is stopped first finishes its current run
python_logs:
  python_log_level: INFO     # the UI shows every event; the servers print only warnings and errors
retention:
  sensor:
    purge_after_days: {skipped: 7, failure: 30, success: 30}
  schedule:
    purge_after_days: {skipped: 7, failure: 30, success: 90}
"""
