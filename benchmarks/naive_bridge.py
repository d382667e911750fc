"""The peer that the paper describes, written as plainly as anyone would.

    python -m benchmarks.naive_bridge FILE PORT USER PASSWORD TOPIC QOS

watchdog tells of a change, the whole CSV is read, and the rows past the last count are published.
"""

import csv
import json
import sys
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer


class NewRows(FileSystemEventHandler):
    """Publishes the rows that the file has gained."""

    def __init__(self, path: Path, client: mqtt.Client, topic: str, qos: int) -> None:
        self._path, self._client, self._topic, self._qos = path, client, topic, qos
        self._sent = 0

    def on_modified(self, event: FileSystemEvent) -> None:
        """Read the file, and publish what is new in it."""
        if event.src_path != str(self._path):
            return
        with self._path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows[self._sent :]:
            self._client.publish(self._topic, json.dumps(row), qos=self._qos)
        self._sent = len(rows)


def main(path: Path, port: int, login: tuple[str, str], topic: str, qos: int) -> None:
    """Bridge until killed."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(*login)
    client.connect("127.0.0.1", port)
    client.loop_start()
    observer = Observer()
    observer.schedule(NewRows(path, client, topic, qos), str(path.parent))
    observer.start()
    threading.Event().wait()


if __name__ == "__main__":
    _, _file, _port, _user, _password, _topic, _qos = sys.argv
    main(Path(_file), int(_port), (_user, _password), _topic, int(_qos))
