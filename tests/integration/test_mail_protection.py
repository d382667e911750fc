"""TLS and login: what is verified, and whose mistake it is when it fails."""

import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from citywx.mail.message import Letter, build_message
from citywx.mail.smtp import SmtpServer, SmtpTransport
from citywx.mail.transport import Delivery, MailConfigurationError, MailUnavailableError, Outcome
from tests.support.smtp import SmtpServerForTests, running

pytestmark = pytest.mark.integration
LETTER = Letter("ada@example.org", "Hello", ".a line that begins with a dot\n", "<p>x", "key")
RIGHT = LoginPassword(b"me@example.org", b"p@:ss")


def authenticate(*arguments: object) -> AuthResult:
    return AuthResult(success=arguments[-1] == RIGHT)


def send(url: str, *, timeout: float = 5.0) -> Delivery:
    message = build_message(LETTER, sender="citywx@example.org", date=datetime.now(UTC))
    with SmtpTransport(SmtpServer.parse(url), timeout=timeout) as transport:
        return transport.send(message)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `localhost`, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += f" -addext subjectAltName=DNS:localhost -keyout {path} -out {path}.crt"
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def guarded(certificate: Path) -> Iterator[SmtpServerForTests]:
    """A server that insists on STARTTLS and a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    ) as server:
        yield server


def url_of(server: SmtpServerForTests, login: str = "me%40example.org:p%40%3Ass") -> str:
    return f"smtp+starttls://{login}@localhost:{server.port}"


def test_a_certificate_that_nobody_vouches_for_is_refused(guarded: SmtpServerForTests) -> None:
    with pytest.raises(MailConfigurationError, match="certificate"):
        send(url_of(guarded))
    assert guarded.messages == []


def test_login_over_starttls_with_a_password_from_the_url(
    guarded: SmtpServerForTests, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    assert send(url_of(guarded)).outcome is Outcome.SENT
    part = guarded.messages[0].get_body(("plain",))
    assert part is not None
    assert part.get_content().strip() == ".a line that begins with a dot"


def test_a_refused_login_is_our_own_mistake_and_stays_secret(
    guarded: SmtpServerForTests, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with pytest.raises(MailConfigurationError) as caught:
        send(url_of(guarded, "me%40example.org:wrong-canary"))
    assert "login" in str(caught.value)
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_stays_silent_after_the_mail_leaves_it_unknown(
    smtp_server: SmtpServerForTests,
) -> None:
    smtp_server.silent_after_data = True
    delivery = send(smtp_server.url, timeout=0.5)
    assert delivery.outcome is Outcome.UNKNOWN


def test_a_mail_for_the_next_hour_after_421(smtp_server: SmtpServerForTests) -> None:
    smtp_server.rcpt_answer = lambda _address: "421 4.3.2 shutting down"
    delivery = send(smtp_server.url)
    assert delivery.outcome is Outcome.DEFERRED
    assert delivery.stop


def test_a_machine_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(MailUnavailableError, match="cannot be reached"):
        send("smtp://127.0.0.1:1")
