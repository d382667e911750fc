"""The files that the broker is started with."""

import base64
import hashlib
import re
from pathlib import Path

from citywx.local_stack.broker import (
    MAX_PACKET_BYTES,
    MAX_QUEUED_MESSAGES,
    mosquitto_acl,
    mosquitto_config,
    mosquitto_hash,
    prepare_mosquitto,
)


def test_the_password_is_kept_as_a_salted_hash_alone(tmp_path: Path) -> None:
    command = prepare_mosquitto("mosquitto", tmp_path, 1883, "secret-word")
    assert command == ["mosquitto", "-c", str(tmp_path / "mosquitto.conf")]
    for path in tmp_path.iterdir():
        assert "secret-word" not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0


def test_the_hash_is_mosquittos_pbkdf2_and_never_the_same_twice() -> None:
    _, kind, iterations, salt, digest = mosquitto_hash("secret-word").split("$")
    assert kind == "7"
    expected = hashlib.pbkdf2_hmac(
        "sha512", b"secret-word", base64.b64decode(salt), int(iterations)
    )
    assert base64.b64decode(digest) == expected
    assert mosquitto_hash("secret-word") != mosquitto_hash("secret-word")


def test_it_listens_on_loopback_alone_and_queues_for_slow_subscribers(tmp_path: Path) -> None:
    lines = mosquitto_config(tmp_path, 1884, as_root=False).splitlines()
    assert [line for line in lines if line.startswith("listener")] == ["listener 1884 127.0.0.1"]
    assert f"max_queued_messages {MAX_QUEUED_MESSAGES}" in lines
    assert "user root" not in lines
    assert "user root" in mosquitto_config(tmp_path, 1884, as_root=True).splitlines()


def test_the_broker_of_compose_has_the_same_limits_and_logs_the_same() -> None:
    own = ("listener", "allow_", "password_", "acl_", "persistence", "autosave", "user", "#")
    deployed = Path(__file__).parents[2] / "deploy" / "mosquitto" / "mosquitto.conf"
    theirs, ours = (
        [line for line in text.splitlines() if not line.startswith(own)]
        for text in (deployed.read_text("utf-8"), mosquitto_config(Path("/broker"), 1883))
    )
    assert theirs == ours
    assert f"max_packet_size {MAX_PACKET_BYTES}" in ours


def test_the_table_of_rights_says_what_stands_in_the_rules_of_compose() -> None:
    project = Path(__file__).parents[2]
    written: dict[str, dict[str, set[str]]] = {}
    for line in (project / "deploy" / "mosquitto" / "acl").read_text("utf-8").splitlines():
        match line.split():
            case ["user", user]:
                rights = written.setdefault(user, {"read": set(), "write": set()})
            case ["topic", what, topic]:
                rights[what].add(topic)
    told = {}
    for line in (project / "docs" / "mqtt.md").read_text("utf-8").splitlines():
        cells = [re.findall("`(.*?)`", cell) for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0]:
            told[cells[0][0]] = {"read": set(cells[2]), "write": set(cells[3])}
    assert told == written


def test_only_the_named_user_may_publish() -> None:
    everybody, named = mosquitto_acl().split("user citywx")
    assert everybody.split() == ["topic", "read", "weather/#"]
    assert "topic readwrite weather/#" in named
