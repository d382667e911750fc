"""The broker that `citywx up` starts: Mosquitto where it is installed, else amqtt.

Only its files and its command line belong here; starting it is the supervisor's business. Policy:
on loopback anyone may subscribe to `weather/#`; publishing needs the user `citywx` and the home's
password, of which the files hold only a salted hash.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
import sys
from pathlib import Path

from citywx.home import Home, write_private

USER = "citywx"
MAX_QUEUED_MESSAGES = 200_000
"""Messages that the broker keeps for a slow subscriber before it drops."""
MAX_QUEUED_BYTES = 256_000_000
MAX_PACKET_BYTES = 131_072

_ITERATIONS = 10_000
_SALT_BYTES = 12
_MQTT_5, _MQTT_3_1_1 = 5, 4


def mqtt_protocol() -> int:
    """What the broker that this machine has speaks: 5, or 4 for MQTT 3.1.1."""
    return _MQTT_5 if find_mosquitto() else _MQTT_3_1_1


def prepare(home: Home, port: int, password: str) -> list[str]:
    """Write the broker's files into the home; the command that runs it in the foreground."""
    folder = home.broker
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mosquitto = find_mosquitto()
    if mosquitto is None:
        return prepare_amqtt(folder, port, password)
    return prepare_mosquitto(mosquitto, folder, port, password)


def find_mosquitto() -> str | None:
    """Where Mosquitto is, or None; Debian puts it into a folder that users lack in PATH."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which("mosquitto", path=path)


def prepare_mosquitto(mosquitto: str, folder: Path, port: int, password: str) -> list[str]:
    """Write Mosquitto's files into `folder`; its command line."""
    write_private(folder / "passwords", f"{USER}:{mosquitto_hash(password)}\n")
    write_private(folder / "acl", mosquitto_acl())
    configuration = folder / "mosquitto.conf"
    write_private(configuration, mosquitto_config(folder, port))
    return [mosquitto, "-c", str(configuration)]


def mosquitto_config(folder: Path, port: int, *, as_root: bool | None = None) -> str:
    """Mosquitto's configuration; the files beside it are those of `prepare_mosquitto`.

    Nothing is persisted: the log is the record, and consumers fill gaps from it.
    """
    as_root = os.geteuid() == 0 if as_root is None else as_root
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",  # the ACL lets them read weather/# and nothing else
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "persistence false",
        "set_tcp_nodelay true",
        "max_inflight_messages 0",  # no limit of ours: MQTT 5 clients state their own
        f"max_queued_messages {MAX_QUEUED_MESSAGES}",
        f"max_queued_bytes {MAX_QUEUED_BYTES}",
        f"max_packet_size {MAX_PACKET_BYTES}",
        "sys_interval 10",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages false",
    ]
    if as_root:
        lines.append("user root")  # as its own user it could not read files in a private home
    return "\n".join(lines) + "\n"


def mosquitto_acl() -> str:
    """Who may do what: lines before the first `user` are for everybody without a name."""
    return f"topic read weather/#\n\nuser {USER}\ntopic readwrite weather/#\ntopic read $SYS/#\n"


def mosquitto_hash(password: str) -> str:
    """A password as Mosquitto 2 stores it: PBKDF2-HMAC-SHA512 with a random salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(("$7", str(_ITERATIONS), *encoded))


def prepare_amqtt(folder: Path, port: int, password: str) -> list[str]:
    """Write amqtt's files into `folder`; its command line.

    It speaks MQTT 3.1.1 only, is slow and forgets queued messages: good for trying citywx out,
    where every reading still arrives because consumers fill gaps from the log.
    """
    from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: PLC0415 - comes with amqtt, an extra

    passwords = folder / "amqtt-passwords"
    write_private(passwords, f"{USER}:{Argon2Hasher().hash(password)}\n")
    configuration = folder / "amqtt.json"
    write_private(configuration, json.dumps(amqtt_config(passwords, port), indent=2) + "\n")
    return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(configuration)]


def amqtt_config(passwords: Path, port: int) -> dict[str, object]:
    """Amqtt's configuration, with the same policy as Mosquitto's (JSON is YAML too)."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)},
            "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {
                "publish_acl": {USER: ["weather/#"]},
                "acl": {"anonymous": ["weather/#"], USER: ["weather/#"]},  # to subscribe
            },
        },
    }
