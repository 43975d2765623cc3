"""What holds for every test: how Hypothesis judges an example.

Here: settings without which a test's outcome would depend on how busy the machine is.
Not here: fixtures (``conftest.py`` of each folder).
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# By default an example that takes over 200 ms, or strategies that are slow, fail the test: a verdict on the machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
