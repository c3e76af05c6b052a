"""An e-mail that tells of a message and brings its sound."""

from __future__ import annotations

import email.policy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from ..config.boxes import BoxSettings
from .messages import StoredMessage


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail with one file attached."""

    id: str
    """Always the same for the same message, so that one that came twice can be known by it."""
    sender: str
    recipient: str
    subject: str
    text: str
    attachment: Path
    """A file of sound, WAV."""
    attachment_name: str
    sent_at: float
    """When what it tells of was, in seconds since 1970."""

    def message(self) -> EmailMessage:
        """As it goes out (RFC 5322), with the file read. Raises OSError."""
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"] = Address("", addr_spec=self.sender)
        mail["To"] = Address("", addr_spec=self.recipient)
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(datetime.fromtimestamp(self.sent_at, UTC))
        mail["Message-ID"] = f"<{self.id}@{self.sender.rpartition('@')[2]}>"
        # RFC 3834: no machine need answer this.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.text)
        mail.add_attachment(
            self.attachment.read_bytes(), maintype="audio", subtype="wav", filename=self.attachment_name
        )
        return mail


def compose(
    box: BoxSettings,
    message: StoredMessage,
    words: Mapping[str, str],
    *,
    sender: str,
    recipient: str,
    in_box: bool,
    page: str | None = None,
) -> Mail:
    """The e-mail for a message, in these words. ``page``: where boxes are opened in a browser, if that is
    known."""
    minutes, seconds = divmod(round(message.seconds), 60)
    said = {
        "caller": _caller(message) or words["mailNobody"],
        "owner": _line(box.name or message.box),
        "length": f"{minutes}:{seconds:02}",
        "date": box.local(message.left_at).strftime(words["mailDate"]),
    }
    text = _filled(words["mailText"], said)
    if in_box:
        text += " " + (_filled(words["mailPage"], {"page": page}) if page else words["mailInBox"])
    return Mail(
        id=message.id,
        sender=sender,
        recipient=recipient,
        subject=_filled(words["mailSubject"], said),
        text=f"{text}\n",
        attachment=message.path,
        attachment_name=f"{message.id}.wav",
        sent_at=message.left_at,
    )


def _filled(text: str, said: Mapping[str, str]) -> str:
    """The text with what its braces name, which may itself have some."""
    return re.sub(r"\{(\w+)\}", lambda found: said.get(found[1], found[0]), text)


def _caller(message: StoredMessage) -> str:
    name, uri = _line(message.caller_name), _line(message.caller_uri)
    return f"{name} <{uri}>" if name and uri else name or uri


def _line(text: str) -> str:
    """What a caller wrote, so that it stays within its line."""
    return "".join(character if character.isprintable() else " " for character in text).strip()[:100]
