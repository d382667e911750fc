"""Subscribers from and to CSV files."""

from io import StringIO

import pytest

from citywx.subscribers_csv import (
    ImportResult,
    SubscribersFileError,
    export_subscribers,
    import_subscribers,
)
from tests.support.mail import NOW, MailRoom

pytestmark = pytest.mark.integration


def bring_in(room: MailRoom, text: str, *, confirmed_elsewhere: bool = False) -> ImportResult:
    return import_subscribers(
        room.engine, StringIO(text), confirmed_elsewhere=confirmed_elsewhere, now=NOW
    )


def take_out(room: MailRoom) -> list[str]:
    file = StringIO()
    export_subscribers(room.engine, file)
    return file.getvalue().splitlines()


def test_imported_subscribers_are_pending_until_they_confirm(mail_room: MailRoom) -> None:
    mail_room.subscribe("known@example.org")
    before = len(mail_room.outbox())
    result = bring_in(
        mail_room,
        "Email,City\nada@example.org,Cairo; Oslo\nKNOWN@example.org,Cairo\n"
        "two@example.org;b@example.org,Cairo\nbob@example.org,Atlantis\neve@example.org,\n",
    )
    assert (result.added, result.known) == (1, 1)
    assert [line for line, _ in result.rejected] == [4, 5, 6]
    assert mail_room.state("ada@example.org") == "pending"
    assert [row.kind for row in mail_room.outbox()[before:]] == ["confirmation"]


def test_consent_given_elsewhere_needs_no_mail(mail_room: MailRoom) -> None:
    bring_in(mail_room, "email,cities\nada@example.org,Cairo\n", confirmed_elsewhere=True)
    assert mail_room.state("ada@example.org") == "confirmed"
    assert mail_room.outbox() == []


def test_what_is_exported_can_be_imported_again(mail_room: MailRoom) -> None:
    mail_room.subscribe("=cmd@example.org", "Cairo", "Oslo")
    mail_room.request("ada@example.org", "Tokyo")
    exported = take_out(mail_room)
    assert exported[1].startswith("'=cmd@example.org,Cairo;Oslo,confirmed,")
    assert exported[2].startswith("ada@example.org,Tokyo,pending,")
    with mail_room.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE subscribers CASCADE")
    result = bring_in(mail_room, "\n".join(exported), confirmed_elsewhere=True)
    assert result.added == 2
    assert take_out(mail_room)[1].startswith("'=cmd@example.org,Cairo;Oslo,confirmed,")


def test_a_file_without_the_columns_is_refused(mail_room: MailRoom) -> None:
    with pytest.raises(SubscribersFileError, match="email and cities"):
        bring_in(mail_room, "name\nada\n")
