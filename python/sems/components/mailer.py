"""Sending mail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..config import Config
from ..errors import MailFailed

if TYPE_CHECKING:
    from ..storage import Mail

# RFC 5321 §4.2.1: it will never be taken.
_PERMANENT = 500


@runtime_checkable
class Mailer(Protocol):
    """Sends one mail. What fails is kept and tried again by whoever asks for it.

    >>> class Printer:
    ...     '''Prints what it should send.'''
    ...     def __init__(self, config: Config, options: dict[str, str]) -> None:
    ...         pass
    ...     async def send(self, mail: Mail) -> None:
    ...         print(mail.recipient, mail.subject)
    >>> isinstance(Printer(Config(), {}), Mailer)
    True
    """

    async def send(self, mail: Mail) -> None:
        """Returns when the mail is taken. Raises MailFailed; ``permanent`` when it never will be."""


class SmtpMailer:
    """Gives it to the server of ``[mail]`` (RFC 5321).

    >>> mailer = SmtpMailer(Config(mail={"server": "mail.example.com", "sender": "sems@example.com"}), {})
    >>> isinstance(mailer, Mailer)
    True
    """

    def __init__(self, config: Config, options: Mapping[str, Any]) -> None:
        self._settings = config.mail

    async def send(self, mail: Mail) -> None:
        """As :class:`Mailer`."""
        # It is big, and most servers send no mail.
        import aiosmtplib

        settings = self._settings
        if settings.server is None:
            raise MailFailed("no mail server is configured ([mail] server)", permanent=True)
        try:
            message = await asyncio.to_thread(mail.message)
            await aiosmtplib.send(
                message,
                sender=mail.sender,
                recipients=[mail.recipient],
                hostname=settings.server,
                port=settings.port or self._usual_port(),
                username=settings.username,
                password=settings.password,
                timeout=settings.timeout,
                use_tls=settings.security == "tls",
                start_tls=self._start_tls(),
                validate_certs=settings.verify,
                cert_bundle=str(settings.ca) if settings.ca is not None and settings.verify else None,
            )
        except aiosmtplib.SMTPAuthenticationError as error:
            # That can be put right, so it is worth another try.
            raise MailFailed(f"{settings.server} does not know us: {error.message}") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusals = error.recipients
            permanent = bool(refusals) and all(refusal.code >= _PERMANENT for refusal in refusals)
            why = "; ".join(f"{refusal.code} {refusal.message}" for refusal in refusals)
            raise MailFailed(f"{mail.recipient} is refused: {why}", permanent=permanent) from error
        except aiosmtplib.SMTPResponseException as error:
            permanent = isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError)
            why = f"{error.code} {error.message}"
            raise MailFailed(why, permanent=permanent and error.code >= _PERMANENT) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailFailed(f"{settings.server}: {error}") from error

    def _usual_port(self) -> int:
        if self._settings.security == "tls":
            return 465
        return 25 if self._settings.username is None else 587

    def _start_tls(self) -> bool | None:
        settings = self._settings
        if settings.security is None:
            # A password goes out by no other way.
            return True if settings.username is not None else None
        return settings.security == "starttls"
