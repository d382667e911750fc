import pytest
from sqlalchemy import Engine, text

pytestmark = pytest.mark.integration


def test_every_test_gets_a_migrated_database_of_its_own(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO cities (name) VALUES ('Oslo')"))
        assert connection.execute(text("SELECT count(*) FROM cities")).scalar_one() == 1
