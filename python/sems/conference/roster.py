"""The conference as a document: ``application/conference-info+xml`` (RFC 4575)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ..sip.headers import SipUri
from .participant import Participant, Presence, Role
from .text import clean

if TYPE_CHECKING:
    from ..call import Call
    from .conference import Conference
    from .dialling import Dialling

#: Its media type.
CONTENT_TYPE: Final = "application/conference-info+xml"
_NAMESPACE: Final = "urn:ietf:params:xml:ns:conference-info"

#: So many who have left are remembered, for those who are told what has changed.
MOST_GONE: Final = 1000

# Roles as conference systems call them (RFC 6502 §4.6.5.1).
_ROLES: Final = {Role.MODERATOR: "moderator", Role.SPEAKER: "participant", Role.LISTENER: "observer"}


class Roster:
    """All that is told of a conference to those who subscribe to it, and since when each part is so.

    A part that has changed gets a new number; who knows the number that he has seen last is told those
    parts that have a higher one.
    """

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._model = conference.model
        self._users: dict[str, tuple[int, str]] = {}
        self._gone: dict[str, int] = {}
        self._forgotten = 0
        self._description = 0, ""
        self._state = 0, ""
        self._addresses: dict[int, str] = {}
        self.number = 0
        """Of the last change."""

    def refresh(self) -> bool:
        """Looks at the conference. True if something of it has changed that is told here."""
        before = self.number
        settings = self._model.settings
        most = "" if settings.max_members is None else _text("maximum-user-count", str(settings.max_members))
        self._description = self._newer(self._description, most)
        self._state = self._newer(
            self._state,
            _text("user-count", str(len(self._model.participants)))
            + _text("active", "true")
            + _text("locked", str(settings.locked).lower()),
        )
        users = {entity: _user(entity, *parts) for entity, parts in self._parts().items()}
        for entity, user in users.items():
            self._gone.pop(entity, None)
            self._users[entity] = self._newer(self._users.get(entity, (0, "")), user)
        for entity in [entity for entity in self._users if entity not in users]:
            del self._users[entity]
            self.number += 1
            self._gone[entity] = self.number
        while len(self._gone) > MOST_GONE:
            entity = next(iter(self._gone))
            self._forgotten = self._gone.pop(entity)
        return self.number != before

    def full(self, entity: str, version: int, page: str | None) -> str:
        """All of it. ``entity``: the URI of the conference; ``page``: that of the one who reads it."""
        users = "".join(text for _, text in self._users.values())
        return _document(
            entity,
            "full",
            version,
            self._describe(entity, page),
            _element("conference-state", self._state[1]),
            _element("users", users, state="full"),
        )

    def partial(self, entity: str, version: int, page: str | None, since: int) -> str | None:
        """What has changed after that number, to one who knows all that was so then; ``None``: he has to
        be told all of it."""
        if since < self._forgotten:
            return None
        users = [text for number, text in self._users.values() if number > since]
        gone = [entity for entity, number in self._gone.items() if number > since]
        users += [_element("user", entity=each, state="deleted") for each in gone]
        return _document(
            entity,
            "partial",
            version,
            self._describe(entity, page) if self._description[0] > since else "",
            _element("conference-state", self._state[1]) if self._state[0] > since else "",
            _element("users", "".join(users), state="partial") if users else "",
        )

    @staticmethod
    def deleted(entity: str, version: int) -> str:
        """There is no such conference any more."""
        return _document(entity, "deleted", version)

    def _newer(self, known: tuple[int, str], text: str) -> tuple[int, str]:
        if known[1] == text and known[0]:
            return known
        self.number += 1
        return self.number, text

    def _describe(self, entity: str, page: str | None) -> str:
        uri = _text("uri", entity)
        description = _text("display-text", self._conference.name)
        description += _element("conf-uris", _element("entry", uri + _text("purpose", "participation")))
        if page is not None:
            link = _text("uri", page) + _text("purpose", "web-page")
            description += _element("service-uris", _element("entry", link))
        description += self._description[1]
        # linphone 5.1 crashes where the status is left out, which may be (RFC 4575 §5.3.4).
        audio = _text("display-text", "audio") + _text("type", "audio") + _text("status", "sendrecv")
        description += _element("available-media", _element("entry", audio, label="1"))
        return _element("conference-description", description)

    def _parts(self) -> dict[str, tuple[str, str, list[str]]]:
        """Name, role and endpoints of everybody, by the URI that stands for him. Somebody with two phones
        is one user with two endpoints (RFC 4575 §5.6)."""
        found: dict[str, tuple[str, str, list[str]]] = {}
        for id, participant in self._model.participants.items():
            entity = self._address(id)
            known = found.setdefault(entity, (participant.name, _ROLES[participant.role], []))
            known[2].append(_endpoint(entity, participant, hears=self._model.hears(participant)))
        for id, participant in self._model.waiting.items():
            entity = self._address(id)
            known = found.setdefault(entity, (participant.name, _ROLES[participant.role], []))
            known[2].append(_at_the_door(entity, participant))
        for call in self._model.calls.values():
            if call.going_on:
                entity = f"sip:{quote(call.name) or 'unknown'}-{call.id}@dialling.invalid"
                found[entity] = call.name, "participant", [_on_his_way(entity, call)]
        known_ids = {*self._model.participants, *self._model.waiting}
        self._addresses = {id: uri for id, uri in self._addresses.items() if id in known_ids}
        return found

    def _address(self, id: int) -> str:
        if id not in self._addresses:
            member = self._conference.members.get(id)
            self._addresses[id] = entity_of(member.call if member else None, id)
        return self._addresses[id]


def entity_of(call: Call | None, id: int) -> str:
    """The URI that stands for a participant: that of his phone, unless he wants to be unknown (RFC 3323)
    or has none, in which case it names nobody (RFC 4575 §5.6)."""
    uri = None if call is None else SipUri.parse(_peer(call))
    hidden = call is not None and bool(call.privacy)
    if uri is None or hidden or not uri.user or uri.host.endswith(".invalid"):
        return f"sip:anonymous{id}@anonymous.invalid"
    if uri.scheme == "tel":
        return f"tel:{uri.user}"
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    port = "" if uri.port is None else f":{uri.port}"
    return f"{uri.scheme}:{quote(uri.user, safe=_USER)}@{host}{port}"


# What needs no escape in the user part of a SIP URI (RFC 3261 §25.1).
_USER: Final = "-_.!~*'()&=+$,;?/"


def _peer(call: Call) -> str:
    return call.caller_uri if call.direction == "in" else call.uri


def _user(entity: str, name: str, role: str, endpoints: list[str]) -> str:
    return _element(
        "user",
        _text("display-text", name) + _element("roles", _text("entry", role)) + "".join(endpoints),
        entity=entity,
        state="full",
    )


def _endpoint(entity: str, participant: Participant, *, hears: bool) -> str:
    if participant.on_hold:
        status, media = "on-hold", "inactive"
    elif not hears:
        status, media = "muted-via-focus", "recvonly"
    else:
        status, media = "connected", "sendrecv"
    joined = "dialed-out" if participant.presence is Presence.DIALLED else "dialed-in"
    audio = _text("type", "audio") + _text("label", "1") + _text("status", media)
    return _element(
        "endpoint",
        _text("status", status) + _text("joining-method", joined) + _element("media", audio, id="1"),
        entity=f"{entity};member={participant.id}",
        state="full",
    )


def _at_the_door(entity: str, participant: Participant) -> str:
    """Not in the room yet, but it is expected that he will be soon (RFC 4575 §5.7.2)."""
    return _element(
        "endpoint",
        _text("status", "pending") + _text("joining-method", "dialed-in"),
        entity=f"{entity};member={participant.id}",
        state="full",
    )


def _on_his_way(entity: str, call: Dialling) -> str:
    status = "alerting" if call.state == "ringing" else "dialing-out"
    return _element(
        "endpoint",
        _text("status", status) + _text("joining-method", "dialed-out"),
        entity=f"{entity};member={call.id}",
        state="full",
    )


def _document(entity: str, state: str, version: int, *parts: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    body = "".join(parts)
    named = f"xmlns={quoteattr(_NAMESPACE)} entity={quoteattr(entity)} state={quoteattr(state)}"
    return f'{head}<conference-info {named} version="{version}">{body}</conference-info>\n'


def _element(name: str, content: str = "", **attributes: str) -> str:
    """An element with these elements in it."""
    named = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{named}>{content}</{name}>" if content else f"<{name}{named}/>"


def _text(name: str, text: str) -> str:
    """An element with this text in it. XML has no way to write control characters, so they are left out."""
    return _element(name, escape(clean(text)))
