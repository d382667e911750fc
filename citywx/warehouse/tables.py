"""The tables, as SQLAlchemy Core objects; a test holds them against the migrations.

All times are `timestamptz`. Each table says who writes it.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _time(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def _measures() -> list[Column[object]]:
    names = ("temperature_c", "humidity", "pressure", "wind_speed")
    return [*(Column(name, Double) for name in names), Column("weather", Text)]


def _statistics() -> list[Column[object]]:
    """Of the values that are reported or filled in, and did not fail quality control."""
    measures = ("temperature_c", "humidity", "pressure", "wind_speed")
    columns: list[Column[object]] = []
    for measure in measures:
        columns += [Column(f"{measure}_{word}", Double) for word in ("min", "max", "mean")]
        columns.append(Column(f"{measure}_count", Integer, nullable=False))
    return columns + [
        Column(name, Integer, nullable=False) for name in ("readings", "suspect", "failed")
    ]


def _alert_words() -> list[Column[object]]:
    """What an alert and each of its events say."""
    return [
        Column("rule_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("city", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("metric", Text, nullable=False),
        Column("value", Double),
        Column("limit_value", Double),
        Column("message", Text, nullable=False),
        Column("advice", Text, nullable=False),
        _time("started_at", nullable=False),
        Column("peak", Double),
        _time("peak_at"),
        Column("readings", Integer, nullable=False),
        Column("suspect", Boolean, nullable=False),
        Column("notify", Boolean, nullable=False),
        Column("inhibited_by", ARRAY(Text), nullable=False),
        Column("details", JSONB, nullable=False),
    ]


cities = Table(  # writers: poller (resolved), loader (first seen in a CSV)
    "cities",
    metadata,
    Column("name", Text, primary_key=True),
    Column("country", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("elevation_m", Double),
    Column("resolved", Boolean, nullable=False, server_default=text("false")),
)

ingest_segments = Table(  # writer: loader; numbers segments in the order they were met
    "ingest_segments",
    metadata,
    Column("segment_no", Integer, Identity(always=True), primary_key=True),
    Column("segment", Text, nullable=False, unique=True),
    _time("first_seen", nullable=False, now=True),
)

ingest_position = Table(  # writer: loader; one row: the next unread line
    "ingest_position",
    metadata,
    Column("log", Text, primary_key=True),
    Column("segment_no", Integer, ForeignKey("ingest_segments.segment_no"), nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    Column("before", Text, nullable=False),
    _time("updated_at", nullable=False, now=True),
)

ingest_batches = Table(  # writer: loader; the accounting time line
    "ingest_batches",
    metadata,
    Column("batch_id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", Text),
    _time("loaded_at", nullable=False, now=True),
    Column("seconds", Double, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("lines", "loaded", "duplicates", "corrected", "rejected", "skipped")
    ),
)

raw_readings = Table(  # writer: loader; partitioned by month of timestamp
    "raw_readings",
    metadata,
    Column("source", Text, nullable=False),
    Column("city", Text, nullable=False),
    _time("timestamp", nullable=False),
    *_measures(),
    _time("fetched_at"),
    Column("segment_no", Integer, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    _time("loaded_at", nullable=False, now=True),
    PrimaryKeyConstraint("city", "timestamp", "source"),
    postgresql_partition_by="RANGE (timestamp)",
)

rejected_lines = Table(  # writer: loader
    "rejected_lines",
    metadata,
    Column("segment_no", Integer, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    _time("first_seen", nullable=False, now=True),
    PrimaryKeyConstraint("segment_no", "byte_offset"),
    Index("rejected_lines_first_seen", "first_seen"),
)

dirty_windows = Table(  # writers: loader and climatology add, cleaning clears
    "dirty_windows",
    metadata,
    Column("window_id", BigInteger, Identity(always=True), primary_key=True),
    Column("city", Text, nullable=False),
    Column("day", Date, nullable=False),
    _time("first_timestamp", nullable=False),
    _time("last_timestamp", nullable=False),
    Column("segment_no", Integer, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    _time("noted_at", nullable=False, now=True),
    Index("dirty_windows_day", "day"),
)

watermarks = Table(  # writers: loader (loaded_through), cleaning (the others)
    "watermarks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("segment_no", Integer, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    _time("updated_at", nullable=False, now=True),
)

weather_readings = Table(  # writer: cleaning; partitioned by month of timestamp
    "weather_readings",
    metadata,
    _time("timestamp", nullable=False),
    Column("city", Text, nullable=False),
    *_measures(),
    Column("mod_high_temp", Boolean),
    Column("temp_message", Text),
    Column("low_temp", Boolean),
    Column("source", Text, nullable=False),
    Column("qc_flags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("imputed", ARRAY(Text), nullable=False, server_default="{}"),
    _time("cleaned_at", nullable=False, now=True),
    Column("qc_verdict", SmallInteger, nullable=False, server_default="2"),
    Column("imputation", Text),
    Column("qc_version", SmallInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("city", "timestamp"),
    postgresql_partition_by="RANGE (timestamp)",
)

retention_marks = Table(  # writer: warehouse_upkeep; the first day that is kept of a table
    "retention_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first_day", Date, nullable=False),
    _time("moved_at", nullable=False, now=True),
)

hourly_statistics = Table(  # writer: cleaning; kept for ever
    "hourly_statistics",
    metadata,
    Column("city", Text, nullable=False),
    _time("hour", nullable=False),
    *_statistics(),
    PrimaryKeyConstraint("city", "hour"),
)

daily_statistics = Table(  # writer: cleaning; UTC days, kept for ever
    "daily_statistics",
    metadata,
    Column("city", Text, nullable=False),
    Column("day", Date, nullable=False),
    *_statistics(),
    PrimaryKeyConstraint("city", "day"),
    Index("daily_statistics_day", "day"),
)

climatology_versions = Table(  # writer: asset climatology; the greatest of a city is in force
    "climatology_versions",
    metadata,
    Column("city", Text, nullable=False),
    Column("version", Integer, nullable=False, autoincrement=False),
    _time("made_at", nullable=False, now=True),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("learnt", JSONB, nullable=False),
    PrimaryKeyConstraint("city", "version"),
)

climatology = Table(  # writer: asset climatology; the limits of the versions, to be read by people
    "climatology",
    metadata,
    Column("city", Text, nullable=False),
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("month", SmallInteger, nullable=False, autoincrement=False),
    Column("measure", Text, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("readings", Integer, nullable=False),
    PrimaryKeyConstraint("city", "version", "month", "measure"),
    ForeignKeyConstraint(
        ["city", "version"], ["climatology_versions.city", "climatology_versions.version"]
    ),
)

anomaly_models = Table(  # writer: asset anomaly_models; kept for two months
    "anomaly_models",
    metadata,
    Column("city", Text, nullable=False),
    _time("made_at", nullable=False),
    _time("first_timestamp", nullable=False),
    _time("last_timestamp", nullable=False),
    Column("readings", Integer, nullable=False),
    Column("cadence_hours", SmallInteger, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("neighbours", ARRAY(Text), nullable=False, server_default="{}"),
    Column("learnt", JSONB, nullable=False),
    PrimaryKeyConstraint("city", "made_at"),
)

live_readings = Table(  # writer: recorder; pruned once weather_readings has the row
    "live_readings",
    metadata,
    Column("source", Text, nullable=False),
    Column("city", Text, nullable=False),
    _time("timestamp", nullable=False),
    *_measures(),
    _time("fetched_at"),
    Column("segment", Text, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    _time("received_at", nullable=False, now=True),
    PrimaryKeyConstraint("city", "timestamp", "source"),
)

consumer_positions = Table(  # writer: recorder, in its rows' own transaction
    "consumer_positions",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("segment", Text, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    Column("before", Text, nullable=False),
    _time("updated_at", nullable=False, now=True),
)

process_status = Table(  # writer: recorder; what each streaming process last said
    "process_status",
    metadata,
    Column("process", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("segment", Text),
    Column("byte_offset", BigInteger),
    _time("said_at", nullable=False),
    Column("metrics", JSONB, nullable=False, server_default="{}"),
)

pipeline_samples = Table(  # writer: recorder; metrics every 10 s, thinned out, kept for 3 days
    "pipeline_samples",
    metadata,
    Column("process", Text, nullable=False),
    _time("at", nullable=False),
    Column("metrics", JSONB, nullable=False),
    PrimaryKeyConstraint("process", "at"),
    Index("pipeline_samples_at", "at"),
)

city_predictions = Table(  # writer: asset city_predictions
    "city_predictions",
    metadata,
    Column("city", Text, nullable=False),
    Column("variable", Text, nullable=False),
    _time("issue_time", nullable=False),
    _time("target_time", nullable=False),
    Column("method", Text, nullable=False),
    Column("horizon", Text, nullable=False),
    Column("value", Double),
    Column("mae", Double),
    Column("baseline_mae", Double),
    Column("skill", Double),
    Column("points", Integer, nullable=False),
    Column("note", Text),
    _time("created_at", nullable=False, now=True),
    PrimaryKeyConstraint("city", "variable", "issue_time", "target_time", "method"),
)

daily_summaries = Table(  # writer: asset daily_summaries; one row per city, local day and period
    "daily_summaries",
    metadata,
    Column("city", Text, nullable=False),
    Column("local_date", Date, nullable=False),
    Column("period", Text, nullable=False),
    _time("first_timestamp"),
    _time("last_timestamp"),
    Column("readings", Integer, nullable=False),
    *(
        Column(name, Double)
        for name in (
            "temperature_mean",
            "temperature_min",
            "temperature_max",
            "humidity_mean",
            "pressure_mean",
            "wind_mean",
            "wind_max",
        )
    ),
    Column("weather", Text),
    Column("advice", ARRAY(Text), nullable=False, server_default="{}"),
    _time("created_at", nullable=False, now=True),
    PrimaryKeyConstraint("city", "local_date", "period"),
)

alert_events = Table(  # writer: recorder, from alerts.ndjson
    "alert_events",
    metadata,
    Column("event_no", BigInteger, Identity(always=True), primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    *_alert_words(),
    _time("observed_at", nullable=False),
    _time("decided_at", nullable=False),
    Column("latency_ms", Double),
    Column("segment", Text, nullable=False),
    Column("byte_offset", BigInteger, nullable=False),
    UniqueConstraint("alert_id", "event", "observed_at", name="alert_events_once"),
    Index("alert_events_observed_at", "observed_at"),
    Index("alert_events_city_observed_at", "city", "observed_at"),
)

alerts = Table(  # writer: recorder, one row an alert as its last event left it
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("worst_severity", Text, nullable=False),
    *_alert_words(),
    _time("fired_at"),
    _time("resolved_at"),
    _time("last_observed_at", nullable=False),
    _time("updated_at", nullable=False, now=True),
    Index("alerts_state", "state", "started_at"),
    Index("alerts_city", "city", "started_at"),
    Index("alerts_started_at", "started_at"),
)

subscribers = Table(  # writer: dashboard's subscription routes
    "subscribers",
    metadata,
    Column("subscriber_id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("email", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("token_nonce", Text, nullable=False),
    _time("requested_at", nullable=False, now=True),
    _time("confirmed_at"),
    _time("unsubscribed_at"),
    Column("suppressed_reason", Text),
    Column("alerts_from", Text),  # the least serious alert that is mailed; NULL for none
    Column("alerts_from_pending", Text),  # the same, asked for and not confirmed yet
    Index("subscribers_address", func.lower(literal_column("email")), unique=True),
)

subscription_requests = Table(  # writer: dashboard's subscription routes; kept for a day
    "subscription_requests",
    metadata,
    Column("request_id", BigInteger, Identity(always=True), primary_key=True),
    _time("requested_at", nullable=False),
    Column("address_hash", Text, nullable=False),
    Column("client_hash", Text, nullable=False),
    Index("subscription_requests_at", "requested_at"),
)

subscriber_cities = Table(  # writer: dashboard's subscription routes
    "subscriber_cities",
    metadata,
    Column(
        "subscriber_id",
        Uuid,
        ForeignKey("subscribers.subscriber_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("city", Text, nullable=False),
    Column("pending", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("subscriber_id", "city", "pending"),
)

mail_outbox = Table(  # writers: dashboard queues, notifier sends (confirmation, welcome)
    "mail_outbox",
    metadata,
    Column("mail_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subscriber_id", Uuid),
    Column("payload", JSONB, nullable=False, server_default="{}"),
    Column("unique_key", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _time("next_attempt_at", nullable=False, now=True),
    Column("last_error", Text),
    _time("queued_at", nullable=False, now=True),
    _time("sent_at"),
    UniqueConstraint("unique_key"),
    Index("mail_outbox_due", "state", "next_attempt_at"),
)

email_ledger = Table(  # writer: asset email_summaries; never the same summary twice
    "email_ledger",
    metadata,
    Column("subscriber_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("local_date", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    _time("queued_at", nullable=False, now=True),
    _time("sent_at"),
    _time("next_attempt_at", nullable=False, now=True),
    PrimaryKeyConstraint("subscriber_id", "kind", "local_date"),
    Index("email_ledger_due", "state", "next_attempt_at"),
)

notice_groups = Table(  # writer: notifier; alerts that are told of together, and what was told
    "notice_groups",
    metadata,
    Column("route", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("state", JSONB, nullable=False),
    PrimaryKeyConstraint("route", "group_key"),
)

notifier_positions = Table(  # writer: notifier; the last event that its groups hold
    "notifier_positions",
    metadata,
    Column("notifier", Text, primary_key=True),
    Column("event_no", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),  # grows with each change of the groups
    _time("updated_at", nullable=False, now=True),
)

alert_notifications = Table(  # writer: notifier; one row a notice and receiver
    "alert_notifications",
    metadata,
    Column("notification_id", BigInteger, Identity(always=True), primary_key=True),
    Column("unique_key", Text, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("notice_id", "route", "kind", "severity")),
    *(Column(name, Text, nullable=False) for name in ("channel", "receiver", "title")),
    Column("recipient", Text),  # an operator's address; a subscriber's is looked up
    Column("subscriber_id", Uuid),
    Column("alert_ids", ARRAY(Text), nullable=False),
    Column("content", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("uncertain", Integer, nullable=False, server_default="0"),  # attempts of unknown outcome
    _time("next_attempt_at", nullable=False, now=True),
    Column("last_error", Text),
    _time("queued_at", nullable=False, now=True),
    _time("sent_at"),
    UniqueConstraint("unique_key"),
    Index(
        "alert_notifications_due",
        *("channel", "next_attempt_at", "notification_id"),
        postgresql_where=text("state IN ('queued', 'deferred')"),
    ),
    Index(
        "alert_notifications_under_way",
        "notification_id",
        postgresql_where=text("state = 'transmitting'"),
    ),
    Index("alert_notifications_queued_at", "queued_at"),
    Index("alert_notifications_alerts", "alert_ids", postgresql_using="gin"),
)

silences = Table(  # writers: dashboard and `citywx alerts silence`
    "silences",
    metadata,
    Column("silence_id", BigInteger, Identity(always=True), primary_key=True),
    *(Column(name, Text) for name in ("rule", "city", "severity")),  # patterns; NULL: any
    _time("starts_at", nullable=False),
    _time("ends_at", nullable=False),
    *(Column(name, Text, nullable=False) for name in ("author", "reason")),
    _time("created_at", nullable=False, now=True),
    Index("silences_ends_at", "ends_at"),
)

acknowledgements = Table(  # writers: dashboard and `citywx alerts acknowledge`
    "acknowledgements",
    metadata,
    Column("alert_id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("author", "note")),
    _time("acknowledged_at", nullable=False, now=True),
)
