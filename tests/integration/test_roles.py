"""What each database role may do: table by table, and that it is enough for its work."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from citywx import subscriptions
from citywx.db_commands import make_roles
from citywx.home import Home
from citywx.local_stack.postgres import socket_folder
from citywx.mail.daily import send_daily_summaries
from citywx.mail.outbox import send_outbox
from citywx.notices import silences
from citywx.notices.deliveries import give_up_late
from citywx.notices.holds import Silence
from citywx.notices.silences import SilenceRequest
from citywx.prepare import prepare_database
from citywx.settings import Settings
from citywx.staging.position import Checkpoint, Position
from citywx.warehouse.cities import save_city
from citywx.warehouse.clean import clean_days
from citywx.warehouse.database import downgrade, migrate
from citywx.warehouse.forecasts import forecast_history, save_forecasts
from citywx.warehouse.load import load_log
from citywx.warehouse.partitions import make_months_ahead
from citywx.warehouse.retention import Retention, retire
from citywx.warehouse.rights import GRANTS, MEMBERS, PRIVATE, RELATIONS
from citywx.warehouse.roles import RolesError, create_roles, existing_roles, grant_rights
from citywx.warehouse.tables import metadata
from citywx.weather.city import City
from citywx.weather.reading import Reading, to_csv_line
from dashboard.frame import PAGES
from dashboard.resources import ABSENT, NOT_PREPARED
from iot_assets.definitions import build_definitions
from iot_assets.jobs import JOBS
from iot_assets.resources import Pipeline
from streaming.live_writer import LiveWriter
from streaming.messages import LogReading
from streaming.recorder_tables import load_position, prune_live, save_position, write_alerts
from tests.support.alert_rows import alert_row
from tests.support.dashboard import OpenPage
from tests.support.mail import NOW, MailRoom, add_readings
from tests.support.notices import TO_SUBSCRIBERS, Notices
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
PASSWORD = SecretStr("of-a-role-in-tests")
As = Callable[[str], Engine]


@pytest.fixture
def superuser(postgres_server: PostgresServer, engine: Engine) -> Iterator[Engine]:
    """The server's superuser, in the test's database; our roles are gone afterwards."""
    url = make_url("postgresql+psycopg://postgres@").set(
        port=postgres_server.port, database=engine.url.database
    )
    found = create_engine(url, connect_args={"host": str(socket_folder(postgres_server.data))})
    yield found
    with found.begin() as connection:
        for role in existing_roles(connection):
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
    found.dispose()
    with postgres_server.superuser() as connection:
        for role in (*MEMBERS, *GRANTS):
            connection.execute(f"DROP ROLE IF EXISTS {role}")  # type: ignore[arg-type]  # a name of ours


@pytest.fixture
def as_role(engine: Engine, superuser: Engine) -> Iterator[As]:
    """Log in as a role of ours, in the test's database."""
    settings = Settings(
        postgres_poller_password=PASSWORD,
        postgres_recorder_password=PASSWORD,
        postgres_notifier_password=PASSWORD,
        postgres_dashboard_password=PASSWORD,
        postgres_dagster_password=PASSWORD,
    )
    with superuser.begin() as connection:
        create_roles(connection, settings)
    migrate(engine)
    engines: list[Engine] = []

    def log_in(role: str) -> Engine:
        url = engine.url.set(username=role, password=PASSWORD.get_secret_value())
        options = {"options": "-c timezone=UTC"}
        engines.append(create_engine(url, connect_args=options))
        return engines[-1]

    yield log_in
    for each in engines:
        each.dispose()


def granted(role: str, relation: str) -> set[str]:
    """The verbs that the table of rights gives on whole tables."""
    words = GRANTS[role].get(relation, "").split(", ")
    return {word for word in words if word and "(" not in word}


@pytest.mark.usefixtures("as_role")
@pytest.mark.parametrize("role", GRANTS)
def test_a_role_has_its_rights_on_each_table_and_no_others(engine: Engine, role: str) -> None:
    query = text("SELECT has_table_privilege(:role, :relation, :verb)")
    with engine.connect() as connection:
        for relation in RELATIONS:
            found = {
                verb
                for verb in VERBS
                if connection.scalar(query, {"role": role, "relation": relation, "verb": verb})
            }
            assert found == granted(role, relation), relation


def attempts(connection: Connection, table: str) -> dict[str, str]:
    """Statements that would change nothing, one a verb."""
    query = text(
        "SELECT quote_ident(column_name) FROM information_schema.columns"
        " WHERE table_name = :name AND is_identity = 'NO' ORDER BY ordinal_position LIMIT 1"
    )
    column = connection.scalar(query, {"name": table})
    return {
        "SELECT": f"SELECT FROM {table} LIMIT 0",
        "INSERT": f"INSERT INTO {table} ({column}) SELECT NULL WHERE false",
        "UPDATE": f"UPDATE {table} SET {column} = NULL WHERE false",  # noqa: S608 - a name of ours
        "DELETE": f"DELETE FROM {table} WHERE false",  # noqa: S608 - a name of ours
        "TRUNCATE": f"TRUNCATE {table}",
        "DROP": f"DROP TABLE {table}",
    }


def may(connection: Connection, role: str, statement: str) -> bool:
    """Whether the server lets the role do it; nothing is changed."""
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        try:
            connection.exec_driver_sql(statement)
        except ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise
            return False
        finally:
            savepoint.rollback()
    return True


@pytest.mark.usefixtures("as_role")
@pytest.mark.parametrize("role", GRANTS)
def test_the_server_lets_a_role_do_just_that(superuser: Engine, role: str) -> None:
    with superuser.connect() as connection:
        for table in metadata.tables:
            tried = attempts(connection, table)
            allowed = {verb for verb, what in tried.items() if may(connection, role, what)}
            assert allowed == granted(role, table), table


def test_whoever_writes_no_mail_sees_no_address(as_role: As) -> None:
    for role in ("citywx_poller", "citywx_recorder"):
        with as_role(role).connect() as connection:
            for table in PRIVATE:
                with pytest.raises(ProgrammingError, match="permission denied"):
                    connection.exec_driver_sql(f"SELECT FROM {table}")
                connection.rollback()
    assert not set(GRANTS["citywx_dashboard_ro"]) & set(PRIVATE)


def test_only_the_batch_layer_makes_and_drops_months(as_role: As) -> None:
    make = "SELECT make_month('raw_readings', '2026-03-01')"
    refused = pytest.raises(ProgrammingError, match="permission denied for function")
    with as_role("citywx_recorder").connect() as connection, refused:
        connection.exec_driver_sql(make)
    with as_role("citywx_dagster").begin() as connection:
        assert make_months_ahead(connection, date(2026, 3, 1))["raw_readings"]
        month = date(2026, 4, 1)
        dropped = retire(connection, Retention(month, month, month)).months
        assert dropped == ("raw_readings_2026_03", "weather_readings_2026_03")


def test_the_batch_layer_loads_cleans_and_forecasts_with_its_rights(
    as_role: As, tmp_path: Path
) -> None:
    log = tmp_path / "readings.csv"
    lines = [
        f"2026-03-0{day}T{hour:02}:00:00Z,Oslo,{hour},50,1010,3,clear\n"
        for day in (1, 2)
        for hour in range(24)
    ]
    log.write_text("timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n")
    with log.open("a") as file:
        file.writelines([*lines, "junk\n"])
    engine = as_role("citywx_dagster")
    for _ in range(2):
        loaded = load_log(engine, log, earliest=datetime(2010, 1, 1, tzinfo=UTC))
        clean_days(engine, loaded.days, settings=Settings())
        with log.open("a") as file:
            file.write(lines[0].replace(",0,", ",1,"))  # a correction
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT sum(readings) FROM daily_statistics")) == 48
        save_forecasts(connection, [])
        assert len(forecast_history(connection, City("Oslo"))) == 48


def test_the_recorder_and_the_poller_work_with_their_rights(as_role: As, tmp_path: Path) -> None:
    engine = as_role("citywx_recorder")
    writer = LiveWriter(engine)
    for offset in (0, 10):  # the second is a correction
        reading = Reading(NOW, "Oslo", temperature_c=float(offset))
        writer.add([LogReading(reading, "000001-abc", offset, offset + 10)])
        writer.finish()
        writer.commit()
    with engine.begin() as connection:
        place = Checkpoint(Position("000001-abc", 20), "ff")
        save_position(connection, "recorder", place)
        assert load_position(connection, "recorder") == place
        assert prune_live(connection) == 0
        assert write_alerts(connection, tmp_path / "alerts.ndjson") == 0
    with as_role("citywx_poller").begin() as connection:
        save_city(connection, City("Oslo", "NO", 59.9, 10.7, "Europe/Oslo", 20.0))


def test_subscribing_and_mailing_work_with_two_roles(mail_room: MailRoom, as_role: As) -> None:
    add_readings(mail_room.engine, "Cairo")
    site = MailRoom(as_role("citywx_dashboard_rw"), mail_room.settings, mail_room.home)
    mailer = as_role("citywx_notifier")
    site.request("ada@example.org", "Cairo")
    sent = send_outbox(mailer, mail_room.settings, mail_room.home, now=NOW)
    assert sent == {"sent": 1}
    token = site.confirm_token("ada@example.org")
    subscriptions.confirm(site.engine, site.settings, token, now=NOW)
    for engine in (mailer, as_role("citywx_dagster")):
        run = send_daily_summaries(engine, mail_room.settings, mail_room.home, now=NOW)
        assert run.states == {"sent": 1}


def test_notices_are_made_and_sent_with_the_notifiers_rights(
    mail_room: MailRoom, as_role: As
) -> None:
    mail_room.subscribe("ada@example.org", "Cairo", alerts_from="info")
    Notices(MailRoom(as_role("citywx_recorder"), mail_room.settings, mail_room.home), "").fire(
        alert_row("a")
    )
    site = as_role("citywx_dashboard_rw")
    with site.begin() as connection:
        assert silences.acknowledge(connection, "a", author="ada", note="", now=NOW)
        wanted = SilenceRequest(Silence(city="Oslo"), NOW, NOW + timedelta(hours=1), "ada", "why")
        silences.end_silence(connection, silences.add_silence(connection, wanted), NOW)
    mailer = MailRoom(as_role("citywx_notifier"), mail_room.settings, mail_room.home)
    found = Notices(mailer, TO_SUBSCRIBERS)
    found.make()
    assert found.mail() == {"sent": 1}
    assert give_up_late(mailer.engine, NOW) == 0
    with site.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM alert_notices").all()
    assert row.state == "sent"
    assert "ada@example.org" not in str(row)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("page", PAGES)
def test_pages_need_no_more_than_the_dashboards_rights(
    open_page: OpenPage, as_role: As, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    url = as_role("citywx_dashboard_rw").url.set(drivername="postgresql")
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    app = open_page(page)
    assert not app.exception
    assert not [info.value for info in app.info if info.value in (NOT_PREPARED, ABSENT)]


def test_every_job_of_dagster_runs_with_dagsters_rights(
    as_role: As, tmp_path: Path, engine: Engine
) -> None:
    settings = Settings(data_dir=tmp_path, home_name="test", secret_key=PASSWORD)
    pipeline = Pipeline(settings, Home.named(settings, "test"), as_role("citywx_dagster"))
    pipeline.home.readings_csv.parent.mkdir(parents=True)
    with pipeline.home.readings_csv.open("wb") as log:
        for hour in range(48):
            moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)
            log.write(to_csv_line(Reading(moment, "Oslo", 10 + hour % 24, 50, 1010, 3, "rain")))
    days = {
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-02",
    }
    definitions = build_definitions(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        for job in JOBS:
            result = definitions.resolve_job_def(job.name).execute_in_process(
                instance=instance,
                resources={"pipeline": pipeline},
                tags=days if job.name == "process_readings" else None,
            )
            assert result.success, job.name
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT sum(readings) FROM daily_statistics")) == 48


def test_without_createrole_creating_roles_is_refused_with_words_and_the_schema_works_on(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        with pytest.raises(RolesError, match="CREATEROLE"):
            create_roles(connection, Settings())
        connection.rollback()
    with engine.begin() as connection:
        assert grant_rights(connection) == []


@pytest.mark.usefixtures("superuser")
def test_on_an_older_schema_roles_are_created_and_get_their_rights_with_the_upgrade(
    engine: Engine, postgres_server: PostgresServer
) -> None:
    url = SecretStr(postgres_server.url(str(engine.url.database)))
    downgrade(engine, "0004")
    with postgres_server.superuser() as connection:
        connection.execute("ALTER ROLE citywx CREATEROLE")
        try:
            told = make_roles(Settings(database_url=url))
        finally:
            connection.execute("ALTER ROLE citywx NOCREATEROLE")
    assert told.startswith("7 roles created; the schema is older")
    migrate(engine)
    with engine.connect() as connection:
        may_read = "SELECT has_table_privilege('citywx_loader', 'raw_readings', 'SELECT')"
        assert connection.scalar(text(may_read))


def test_a_role_without_a_password_cannot_log_in(as_role: As) -> None:
    with pytest.raises(OperationalError):
        as_role("citywx_dashboard_ro").connect()


def test_preparing_makes_the_roles_and_gives_dagster_its_database(
    postgres_server: PostgresServer, superuser: Engine
) -> None:
    with postgres_server.superuser() as connection:
        connection.execute("CREATE ROLE chief SUPERUSER LOGIN PASSWORD 'chief'")
        connection.execute("CREATE DATABASE dagster OWNER chief")
    url = postgres_server.url(str(superuser.url.database)).replace(
        f"citywx:{postgres_server.password}", "chief:chief"
    )
    settings = Settings(database_url=SecretStr(url), postgres_dagster_password=PASSWORD)
    in_dagster = make_url(url).set(drivername="postgresql+psycopg", database="dagster")
    chief = create_engine(in_dagster)
    try:
        with chief.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE runs (id bigserial PRIMARY KEY)")
        for _ in range(2):
            prepare_database(settings)
        dagster = create_engine(
            in_dagster.set(username="citywx_dagster", password="of-a-role-in-tests")
        )
        with dagster.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN body text")
            connection.exec_driver_sql("INSERT INTO runs (body) VALUES ('x')")
            connection.exec_driver_sql("CREATE TABLE event_logs (id integer)")
        dagster.dispose()
    finally:
        chief.dispose()
        postgres_server.drop_database("dagster")
        with postgres_server.superuser() as connection:
            connection.execute("REVOKE citywx_dagster FROM chief")
        with superuser.begin() as connection:
            connection.exec_driver_sql("REASSIGN OWNED BY chief TO citywx")
            connection.exec_driver_sql("DROP OWNED BY chief")
            connection.exec_driver_sql("DROP ROLE chief")
