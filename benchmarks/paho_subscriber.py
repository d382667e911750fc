"""A subscriber with paho that prints what `mosquitto_sub -F '%U %p'` does: moment and payload.

python -m benchmarks.paho_subscriber PORT USER PASSWORD TOPIC...
"""

import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main(port: int, user: str, password: str, topics: list[str]) -> None:
    """Listen until killed."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.on_message = _print
    client.connect("127.0.0.1", port)
    client.subscribe([(topic, 1) for topic in topics])
    client.loop_forever()


def _print(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
    seconds, nanos = divmod(time.time_ns(), 10**9)
    sys.stdout.buffer.write(b"%d.%09d %s\n" % (seconds, nanos, message.payload))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
