import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.settings import ReplayTimestamps
from citywx.weather.reading import Reading
from streaming.sources.replay import Progress, Replay, ReplayPosition, Speed
from streaming.sources.replay_file import ReplayFile, whole_day_shift

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)


def write(path: Path, text: str) -> ReplayFile:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return ReplayFile(path, earliest=EARLIEST, latest=START)


def hours(count: int) -> str:
    return "".join(f"2013-05-29T{hour:02d}:00:00Z,Oslo,{hour},,,,\n" for hour in range(count))


def replay(
    file: ReplayFile,
    speed: str = "10",
    timestamps: ReplayTimestamps = ReplayTimestamps.ORIGINAL,
    now: datetime = START,
) -> Replay:
    log = file.path.with_name("log.csv")
    log.touch()
    position = ReplayPosition(file.path.with_name("replay.json"), log)
    return Replay(file, position, speed=Speed.parse(speed), timestamps=timestamps, now=now)


def temperatures(readings: list[Reading]) -> list[float | None]:
    return [reading.temperature_c for reading in readings]


def test_columns_may_stand_in_another_order_and_name_their_source(tmp_path: Path) -> None:
    text = "city,source,timestamp,humidity\nOslo,owm,2013-01-01T00:00:00Z,5\n"
    text += "Oslo,,2013-01-01T01:00:00Z,6\n"
    rows = list(write(tmp_path / "a.csv", text).rows())
    assert [(r.reading.source, r.reading.humidity) for r in rows] == [("owm", 5), ("replay", 6)]


def test_compressed_files_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv.gz", HEADER + hours(3))
    assert [row.number for row in file.rows()] == [1, 2, 3]


def test_bad_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    bad = 'nonsense\n2013-01-01T00:00:00Z,Oslo,warm,,,,\n"open\n' + "x" * 20_000 + "\n\n"
    file = write(tmp_path / "a.csv", HEADER + bad + hours(2))
    assert [row.number for row in file.rows()] == [6, 7]
    assert file.bad_lines == 4


def test_rows_come_at_the_asked_rate(tmp_path: Path) -> None:
    source = replay(write(tmp_path / "a.csv", HEADER + hours(20)), "10")
    assert len(source.take(START)) == 1
    assert source.pause(START) == pytest.approx(0.1)
    assert len(source.take(START + timedelta(seconds=1))) == 10
    assert len(source.take(START + timedelta(seconds=5))) == 9


def test_realtime_keeps_the_gaps_between_observations(tmp_path: Path) -> None:
    source = replay(write(tmp_path / "a.csv", HEADER + hours(5)), "realtime×3600")
    assert temperatures(source.take(START)) == [0]
    assert temperatures(source.take(START + timedelta(seconds=2.5))) == [1, 2]
    assert source.pause(START + timedelta(seconds=2.5)) == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["0", "realtime×0", "fast", ""])
def test_a_speed_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="REPLAY_SPEED"):
        Speed.parse(text)


@pytest.mark.parametrize(("hour", "day"), [(11, 23), (12, 23), (13, 22)])
def test_the_last_row_falls_on_today_unless_that_lies_ahead(hour: int, day: int) -> None:
    last = datetime(2013, 5, 29, hour, tzinfo=UTC)
    assert last + whole_day_shift(last, START) == datetime(2026, 11, day, hour, tzinfo=UTC)


def test_shifted_rows_keep_their_time_of_day(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + hours(3))
    source = replay(file, "1000", ReplayTimestamps.NOW)
    readings = source.take(START) + source.take(START + timedelta(seconds=1))
    assert readings[-1].timestamp == datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_a_restart_goes_on_behind_what_is_in_the_log(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + hours(20))
    first = replay(file, "2")
    first.take(START)
    assert temperatures(first.take(START + timedelta(seconds=2))) == [1, 2, 3, 4]
    first.written()
    first.take(START + timedelta(seconds=4))  # never written: must come again
    again = replay(file, "2")
    assert temperatures(again.take(START)) == [5]


def test_a_restart_keeps_the_shift_of_the_first_start(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + hours(20))
    first = replay(file, "1", ReplayTimestamps.NOW)
    first.take(START)
    first.take(START + timedelta(seconds=2))
    first.written()
    later = START + timedelta(days=1)
    again = replay(file, "1", ReplayTimestamps.NOW, now=later)
    assert again.take(later)[0].timestamp.date() == first.take(later)[0].timestamp.date()


def test_another_file_or_another_log_is_replayed_whole(tmp_path: Path) -> None:
    position = ReplayPosition(tmp_path / "replay.json", tmp_path / "log.csv")
    (tmp_path / "log.csv").touch()
    position.save(Progress("one", 5, 0))
    assert position.load("one") == Progress("one", 5, 0)
    assert position.load("two") is None
    (tmp_path / "log.csv").unlink()
    assert position.load("one") is None


def test_the_end_is_told_once_and_saved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    source = replay(write(tmp_path / "a.csv", HEADER + hours(2)), "1000")
    source.take(START)
    source.take(START + timedelta(seconds=1))
    source.written()
    source.written()
    assert caplog.text.count("is finished") == 1
    assert source.take(START + timedelta(seconds=9)) == []
    assert source.detail.startswith("finished")
