"""Fixtures shared by all tests; the servers they start live in `tests/support`."""

pytest_plugins = ("tests.support.mosquitto", "tests.support.postgres", "tests.support.smtp")
