"""The rows of a notice: one for each receiver of its route that it concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy import Connection

from citywx.notices.content import Content, Frame, NoticeAlert, make_content, wanted_by
from citywx.notices.content_json import encode
from citywx.notices.routes import Receiver, ReceiverKind
from citywx.notices.store import Subscriber, read_subscribers
from citywx.notices.words import title

Row = dict[str, object]


def notifications(
    connection: Connection, receivers: Iterable[Receiver], frame: Frame, alerts: list[NoticeAlert]
) -> Iterator[Row]:
    """The rows for these receivers; none where no alert is left to tell of."""
    for receiver in receivers if alerts else ():
        if receiver.kind is ReceiverKind.SUBSCRIBERS:
            yield from _for_subscribers(connection, receiver, frame, alerts)
        else:
            yield from for_operators(receiver, make_content(frame, alerts), alerts)


def for_operators(
    receiver: Receiver, content: Content, alerts: Iterable[NoticeAlert]
) -> Iterator[Row]:
    """The rows of a receiver that the operator has set up, which gets all of a notice."""
    ids = [alert.alert_id for alert in alerts]
    for recipient in receiver.addresses or (None,):
        yield _row(receiver, content, ids, recipient or "") | {"recipient": recipient}


def _for_subscribers(
    connection: Connection, receiver: Receiver, frame: Frame, alerts: list[NoticeAlert]
) -> Iterator[Row]:
    by_city: dict[str, list[NoticeAlert]] = defaultdict(list)
    for alert in alerts:
        by_city[alert.city].append(alert)
    for subscriber in read_subscribers(connection, by_city):
        wanted = wanted_by(by_city, subscriber.cities, subscriber.alerts_from)
        if wanted:
            yield _for_subscriber(receiver, subscriber, frame, wanted)


def _for_subscriber(
    receiver: Receiver, subscriber: Subscriber, frame: Frame, wanted: list[NoticeAlert]
) -> Row:
    # What goes on beside may be in cities that the subscriber did not choose.
    content = make_content(replace(frame, firing_beside=0), wanted)
    ids = [alert.alert_id for alert in wanted]
    row = _row(receiver, content, ids, str(subscriber.subscriber_id))
    return row | {"subscriber_id": subscriber.subscriber_id}


def _row(receiver: Receiver, content: Content, alert_ids: list[str], whom: str) -> Row:
    return {
        "unique_key": f"{content.notice_id}:{receiver.name}:{whom}",
        "notice_id": content.notice_id,
        "route": content.route,
        "kind": content.kind.value,
        "severity": content.severity,
        "channel": receiver.kind.channel.value,
        "receiver": receiver.name,
        "title": title(content),
        "recipient": None,
        "subscriber_id": None,
        "alert_ids": alert_ids,
        "content": encode(content),
        "queued_at": content.made_at,
        "next_attempt_at": content.made_at,
    }
