"""What `citywx status` says about the data."""

from datetime import UTC, datetime

from citywx.local_stack.progress import Progress
from citywx.local_stack.screen import progress_lines

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_city_that_was_not_found_is_named_with_what_to_do() -> None:
    progress = Progress(None, 0, (), ("Nowhereville",), NOW)
    lines = progress_lines(progress)
    assert lines[-1].startswith("city 'Nowhereville' was not found: ")
    assert progress.as_json()["unresolved_cities"] == ["Nowhereville"]
