"""Which way the mails of a home leave."""

from email.message import EmailMessage

from citywx.home import Home
from citywx.mail.folder import FolderTransport
from citywx.mail.smtp import SmtpServer, SmtpTransport
from citywx.mail.transport import Transport
from citywx.settings import Settings


def transport_for(settings: Settings, home: Home) -> Transport[EmailMessage]:
    """SMTP where SMTP_URL is set, else the home's mail folder.

    Raises MailConfigurationError when SMTP_URL is malformed.
    """
    if settings.smtp_url is None:
        return FolderTransport(home.mail)
    return SmtpTransport(SmtpServer.parse(settings.smtp_url.get_secret_value()))
