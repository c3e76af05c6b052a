"""An e-mail that tells of a message and brings its sound."""

from __future__ import annotations

import email.policy
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from ..config.boxes import BoxSettings
from .messages import StoredMessage

_WORDS = {
    "en": {
        "subject": "Voice message from {caller} ({length})",
        "nobody": "an unknown caller",
        "text": "{caller} has left a message for {owner} on {date}. It is {length} long and is attached.",
        "date": "%Y-%m-%d at %H:%M",
        "in_box": "It is also in your box.",
    },
    "de": {
        "subject": "Sprachnachricht von {caller} ({length})",
        "nobody": "unbekannt",
        "text": "{caller} hat am {date} eine Nachricht für {owner} hinterlassen. Sie ist {length} lang und"
        " liegt bei.",
        "date": "%d.%m.%Y um %H:%M",
        "in_box": "Sie liegt auch in Ihrer Box.",
    },
}


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


def compose(box: BoxSettings, message: StoredMessage, *, sender: str, recipient: str, in_box: bool) -> Mail:
    """The e-mail for a message, in the language of its box."""
    words = _WORDS.get(box.language.partition("-")[0], _WORDS["en"])
    minutes, seconds = divmod(round(message.seconds), 60)
    said = {
        "caller": _caller(message) or words["nobody"],
        "owner": _line(box.name or message.box),
        "length": f"{minutes}:{seconds:02}",
        "date": time.strftime(words["date"], time.localtime(message.left_at)),
    }
    text = words["text"].format(**said)
    return Mail(
        id=message.id,
        sender=sender,
        recipient=recipient,
        subject=words["subject"].format(**said),
        text=f"{text} {words['in_box']}\n" if in_box else f"{text}\n",
        attachment=message.path,
        attachment_name=f"{message.id}.wav",
        sent_at=message.left_at,
    )


def _caller(message: StoredMessage) -> str:
    name, uri = _line(message.caller_name), _line(message.caller_uri)
    return f"{name} <{uri}>" if name and uri else name or uri


def _line(text: str) -> str:
    """What a caller wrote, so that it stays within its line."""
    return "".join(character if character.isprintable() else " " for character in text).strip()[:100]
