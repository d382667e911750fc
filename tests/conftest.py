"""Fixtures shared by all tests; the servers they start live in `tests/support`."""

pytest_plugins = (
    "tests.support.browser",
    "tests.support.dashboard",
    "tests.support.mail",
    "tests.support.mosquitto",
    "tests.support.postgres",
    "tests.support.smtp",
    "tests.support.stream",
    "tests.support.weather_services",
    "tests.support.webhooks",
    "tests.support.deployed_broker",  # behind those that it imports
)
