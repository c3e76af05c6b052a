"""The configuration: what can be set, and its defaults."""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..sip.headers import SipUri, join_host_port, split_host_port
from .accounts import AccountSettings
from .announcements import AnnouncementSettings
from .api import ApiSettings
from .auth import AuthSettings
from .boxes import BoxSettings, MailSettings, StorageSettings
from .codecs import codec
from .components import ComponentKind, ComponentSettings
from .dialout import DialoutSettings
from .files import FileSettings
from .keys import KeySettings
from .registrar import RegistrarSettings
from .section import Network, Section


def _default_data() -> Path:
    """``$XDG_DATA_HOME/sems`` or ``~/.local/share/sems``; ``var`` where there is no home."""
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path("var") if home.startswith("~") else Path(home) / "sems"


def _port_range(value: Any) -> Any:
    if isinstance(value, str):
        low, dash, high = value.partition("-")
        if not (dash and low.strip().isdecimal() and high.strip().isdecimal()):
            raise ValueError('two ports are wanted, such as "10000-19999"')
        value = (int(low), int(high))
    return value


def _ordered(ports: tuple[int, int]) -> tuple[int, int]:
    low, high = ports
    # A port for RTP and the next for RTCP: RFC 3550 §11.
    if high - low < 1:
        raise ValueError("the second port must be greater than the first")
    return ports


def _address(value: str) -> str:
    try:
        return str(ip_address(value.strip("[]")))
    except ValueError:
        raise ValueError("an IP address is wanted, such as 192.0.2.1, 0.0.0.0 or ::") from None


def _name_server(value: str) -> str:
    host, port = split_host_port(value)
    try:
        known = str(ip_address(host if port is not None else value.strip("[]")))
    except ValueError:
        raise ValueError("an IP address is wanted, such as 192.0.2.53 or 127.0.0.1:5353") from None
    return known if port is None else join_host_port(known, port)


def _proxy(value: str) -> str:
    uri = SipUri.parse(value)
    if uri.scheme not in ("sip", "sips") or not uri.host or re.search(r'[\s<>"?]', value):
        raise ValueError("the SIP address of a proxy is wanted, such as sip:proxy.example.com;lr")
    # Without it, it would be taken for a strict router, which only RFC 2543 had.
    return value if "lr" in uri.params else value + ";lr"


def _listen(value: str) -> str:
    transport, _, place = value.partition(":")
    parts = place.split(";")
    address, _, port = parts[0].rpartition(":")
    try:
        ip_address(address.strip("[]"))
        advertised = [part.removeprefix("advertise=") for part in parts[1:] if part != "optional"]
        for other in advertised:
            host, _, number = other.rpartition(":")
            ip_address(host.strip("[]"))
            int(number)
        if transport.lower() not in ("udp", "tcp", "tls") or not 0 <= int(port) <= 65535:
            raise ValueError
    except ValueError:
        raise ValueError(
            "a transport, an address and a port are wanted, such as udp:192.0.2.1:5060 or tls:[::]:5061"
        ) from None
    return value


def _web_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError("an http or https address is wanted, such as https://sems.example.com")
    return value.rstrip("/")


def _regex(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
    return value


Port = Annotated[int, Field(ge=0, le=65535)]
MediaPort = Annotated[int, Field(ge=1024, le=65535)]
PortRange = Annotated[
    tuple[MediaPort, MediaPort],
    BeforeValidator(_port_range),
    AfterValidator(_ordered),
    PlainSerializer(lambda ports: f"{ports[0]}-{ports[1]}"),
]
Address = Annotated[str, AfterValidator(_address)]
Listen = Annotated[str, AfterValidator(_listen)]
NameServer = Annotated[str, AfterValidator(_name_server)]
Proxy = Annotated[str, AfterValidator(_proxy)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
Regex = Annotated[
    re.Pattern[str],
    BeforeValidator(_regex),
    PlainSerializer(lambda pattern: pattern.pattern, return_type=str),
]


class Route(Section):
    """One ``[[routes]]``: every condition that is given must hold; the first route that matches wins."""

    app: str
    """The service that takes the call."""
    account: str | None = None
    """The name of the account that the call came in for."""
    user: Regex | None = None
    """Matches the whole user part of the Request-URI."""
    domain: Regex | None = None
    """Matches the whole host of the Request-URI."""
    headers: dict[str, Regex] = Field(default_factory=dict)
    """Header name to a pattern found anywhere in its first value."""
    params: dict[str, str] = Field(default_factory=dict)
    """Parameters for the app. ``{user}``, ``{domain}`` and the named groups of the patterns are filled in."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = {"user", "domain"}
        for pattern in (self.user, self.domain, *self.headers.values()):
            known |= set(pattern.groupindex) if pattern else set()
        for name, text in self.params.items():
            for wanted in re.findall(r"\{(\w+)\}", text):
                if wanted not in known:
                    raise ValueError(f"params.{name} speaks of {{{wanted}}}, which no pattern here names")
        return self


Pin = Annotated[str, Field(pattern=r"^[0-9]{3,16}$")]


class RoomSettings(Section):
    """``[rooms.default]`` for all conference rooms, ``[rooms."NAME"]`` for one."""

    moderator: Literal["first", "everyone", "none"] = "first"
    """Who may mute and remove others and lock the room: the first who comes, everyone, or only those
    whom a trusted neighbour names so (``P-App-Param: role=moderator``)."""
    mode: Literal["open", "moderated", "lecture"] = "open"
    """Who is heard: all who are not muted; who holds the floor, for which hands queue and which moderators
    give and take; or moderators, and to whom they give the floor."""
    talk_time: Annotated[float, Field(ge=1, le=86_400)] | None = None
    """For how many seconds the floor is given to somebody; unset: until it is taken."""
    floor_timeout: Annotated[float, Field(ge=0, le=86_400)] = 5.0
    """Who holds the floor loses it when nothing comes from his telephone for so many seconds, at least four,
    unless it is on hold or says that it rests (comfort noise); 0: he keeps it until the call ends. A
    telephone that sends reports (RTCP) loses it when these fail to come too, after nine seconds: so one that
    sends nothing else while nobody speaks keeps it."""
    pin: Pin | None = Field(default=None, repr=False)
    """What callers key in to come in, three to sixteen digits; unset: nothing. Better six than four."""
    moderator_pin: Pin | None = Field(default=None, repr=False)
    """What moderators key in instead. Where it is set, coming first makes nobody a moderator."""
    number: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    """What is keyed in at the service ``entry`` to come here, one to twenty digits; unset: the name of the
    room, if that is a number."""
    waiting_room: bool = False
    """Who comes waits, with music, until a moderator lets him in."""
    wait_for_moderator: bool = False
    """Who comes while no moderator is there waits for one, so coming first makes nobody a moderator."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"
    """What the room speaks: ``en``, ``de``, or what you have made prompts for."""
    max_members: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many can be in the room at once; unset: as many as there are calls."""
    join_sound: bool = True
    """A short sound when somebody comes or leaves, and whoever comes is told that he is the third."""
    record: Literal["mix", "members"] | bool = False
    """Whether the conference is recorded from the beginning: what is said in it, or each member too."""
    announce_names: bool = False
    """Callers are asked to say their name, which is played to the room when they come and leave."""
    level_control: bool = True
    """Quiet and loud talkers are brought to the same level."""
    noise_gate: bool = True
    """The noise of each line stays out of the room while nobody speaks there."""
    texts_to_phones: bool = True
    """What is written in the room goes to the phones that take texts (MESSAGE, RFC 3428) as well."""
    link_as_text: bool = True
    """A phone that says that it takes texts gets the link to its page as one when it comes in."""
    undo_time: Annotated[float, Field(ge=0, le=60)] = 5.0
    """For so long, in seconds, the call of one who was removed stands, so that he is back at once if that is
    taken back. Later he is called, where ``[dialout]`` allows it."""
    max_talkers: Annotated[int, Field(ge=1, le=32)] | None = None
    """How many are heard when many talk at once: the loudest, each for as long as he talks; unset: all."""

    @field_validator("moderator_pin")
    @classmethod
    def _moderators_have_their_own(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value == info.data.get("pin"):
            raise ValueError("moderators need another PIN than the room's, or everybody would be one")
        return value


class OperatorSettings(Section):
    """``[operator]``: the page that shows all rooms and calls."""

    token: Annotated[str, Field(min_length=8)] | None = Field(default=None, repr=False)
    """The secret that opens the page; unset: a random one at each start, which is then printed."""


class LimitSettings(Section):
    """``[limits]``: what goes beyond is refused with 503 and Retry-After at once, without asking any
    service, and so are new calls that Python does not keep up with, or for which no RTP ports are left (a
    pair rests for 5 s after a call), and all while the media threads have less than 15 % of their time left.
    Calls that exist are served always."""

    max_calls: Annotated[int, Field(ge=1)] = 10_000
    """Calls at once."""
    calls_per_second: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """New calls in a second, as many of them at once; 0: no limit."""
    calls_per_second_per_source: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """The same for each address that is not ``trusted`` (of IPv6: each network of 64 bits); 0: no limit."""
    calls_per_source: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Calls at once of each address that is not ``trusted``; 0: no limit."""
    requests_per_second: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """New requests of other kinds in a second, such as MESSAGE, SUBSCRIBE and REGISTER; 0: no limit."""
    unanswered: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """How long a call may ring, in seconds: one that comes in is then refused with 480, and one that we
    place is taken back."""


class DnsSettings(Section):
    """``[dns]``: how names of servers are found (RFC 3263)."""

    servers: tuple[NameServer, ...] = ()
    """Name servers, each ``"ip"`` or ``"ip:port"``; empty: those of the system."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 6.0
    """What finding the server for one call may take, in seconds."""


class TlsSettings(Section):
    """``[tls]``: certificates, read at the start, and again by ``sems reload`` or SIGHUP. Relative paths are
    taken from the folder of the configuration file."""

    certificate: Path | None = None
    """Our certificate with what leads to its root, PEM; unset: one that is made at the first start, kept in
    ``DATA/tls``, which phones have to be told to trust."""
    key: Path | None = None
    """Its private key, PEM; unset: in the same file."""
    ca: Path | None = None
    """Roots, PEM, from which the certificates of servers that we connect to may come, beside those of the
    system."""
    verify: bool = True
    """Whether these servers must show a certificate that is valid for their domain (RFC 5922)."""
    wildcards: bool = False
    """Whether it may be one for ``*.example.com``, which RFC 5922 forbids and some providers have."""

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs its certificate")
        return self


class ConnectionSettings(Section):
    """``[connections]``: TCP and TLS."""

    total: Annotated[int, Field(ge=1)] = 5000
    """Connections at once that others open, and as many that we open; one more is closed."""
    per_source: Annotated[int, Field(ge=1)] = 500
    """How many of these one address may have (of IPv6 a /64)."""
    idle: Annotated[float, Field(ge=64, le=604_800)] = 7200.0
    """After how many seconds in which nothing comes or goes a connection is closed."""


class SessionSettings(Section):
    """``[session]``: session timers (RFC 4028), by which a call ends whose other side is gone."""

    timer: Annotated[int, Field(ge=0, le=86_400)] = 1800
    """Calls are refreshed within so many seconds, by us where the other side doesn't know how; 0: only
    calls whose other side asks for it."""
    min_timer: Annotated[int, Field(ge=90, le=86_400)] = 90
    """The shortest interval, in seconds, that others may ask for; at least 90."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if 0 < self.timer < self.min_timer:
            raise ValueError(f"timer ({self.timer}) must not be less than min_timer ({self.min_timer})")
        return self


class AudioSettings(Section):
    """``[audio]``: what callers hear."""

    codecs: Annotated[tuple[Annotated[str, AfterValidator(codec)], ...], Field(min_length=1)] = (
        "opus",
        "G722",
        "PCMU",
        "PCMA",
    )
    """Which codecs are spoken, in the order of our offers; who calls decides by the order of its own. ``L16``
    is uncompressed, at 48, 16 and 8 kHz, for machines in one building. Unset: these, and then those that
    other packages bring."""
    comfort_noise: bool = False
    """Whether nothing is sent in pauses to phones that make the noise of a pause themselves (RFC 3389). It
    saves the network packets; but what listens to the line, such as a NAT or a monitor, may miss them."""
    telephone_events: bool = True
    """Whether keys come and go in RTP (RFC 4733) where the other side knows that, too. Without it they come
    by INFO or are heard in the sound, as from an old gateway."""


class TraceSettings(Section):
    """``[trace]``: what is remembered of the last calls, to explain why they failed."""

    enabled: bool = True
    """Whether the messages of calls are kept in memory for a while."""
    megabytes: Annotated[int, Field(ge=1, le=4096)] = 32
    """What they may take; the oldest are forgotten first."""
    packets: bool = True
    """Whether that holds also what comes to RTP ports: from where, when and with which numbers, so that a
    call can be replayed with its audio and keys. Neither the sound nor which keys. A call without keys takes
    less than 1 KiB of it, and all together a quarter of ``megabytes`` at most."""


class LogSettings(Section):
    """``[log]``."""

    format: Literal["console", "json"] = "console"
    """Lines for people, or one JSON object a line."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is shown."""


def _brought(info: ValidationInfo) -> bool:
    """Accounts may come from a package as well, so which there are is known at the start."""
    return "accounts" in info.data.get("components", {})


class Config(Section):
    """All that can be set. What is unset has a default that works.

    >>> boxes, rooms = {"anna": {"users": ["anna", "100"]}}, {"board": {"pin": "4711"}}
    >>> config = Config(sip_port=0, boxes=boxes, rooms=rooms)
    >>> config.box_of("100"), config.room("board").pin, config.room("lunch").pin
    ('anna', '4711', None)
    """

    host: Address = "0.0.0.0"
    """The address to listen at, for SIP, RTP and the pages; ``0.0.0.0``: all of IPv4, ``::``: all of IPv6."""
    sip_port: Port = 5060
    """UDP and TCP port for SIP; 0: any free one."""
    tls_port: Port | None = None
    """TCP port for SIP over TLS; 0: any free one; unset: the one after ``sip_port``, if it is free."""
    listen: tuple[Listen, ...] = ()
    """Where to listen for SIP instead of at ``host``, ``sip_port`` and ``tls_port``, such as
    ``["udp:192.0.2.1:5060", "tcp:[::1]:5060", "tls:192.0.2.1:5061"]``. With ``;advertise=ADDRESS:PORT``
    peers are told that instead. What isn't listened for here can't be called either."""
    http_port: Port = 8080
    """TCP port of the control pages; 0: any free one."""
    rtp_ports: PortRange = (10_000, 19_999)
    """UDP ports for RTP and RTCP, first and last."""
    data: Path = Field(default_factory=_default_data)
    """The folder for all that lasts; unset: ``sems`` in ``$XDG_DATA_HOME`` or ``~/.local/share``. A relative
    one is taken from the current folder, or from that of the configuration file if it is set there."""
    base_url: WebUrl | None = None
    """What links to the control pages begin with; unset: the address at which the call arrived."""
    advertised_address: Address | None = None
    """The address that SIP and SDP name instead of our own, behind a one-to-one NAT."""
    outbound_proxy: Proxy | None = None
    """The proxy that all our calls go by, such as ``sip:proxy.example.com;lr``; unset: straight to whom they
    are for."""
    trusted: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """Neighbours whose word counts: P-App-Name, P-App-Param, P-Asserted-Identity and Privacy are obeyed, and
    limits for each source don't hold. A proxy on this machine is one, so it has to remove these fields from
    what strangers send."""
    rtp_timeout: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """A call from which nothing is heard for so many seconds is ended, unless it says that it sends nothing;
    0: never. In a conference, and while it has us on hold, the telephone is asked before (OPTIONS), as it may
    be there to listen, or to come back. Reports (RTCP) count only from one that has said that it rests
    (comfort noise, RFC 3389)."""
    workers: Annotated[int, Field(ge=0, le=255)] = 0
    """Media threads; 0: one for each processor core."""
    room_legs: Annotated[int, Field(ge=1)] = 500
    """A room that has so many calls on one media thread gets others, too, from which it is heard 20 ms
    later."""
    components: dict[ComponentKind, ComponentSettings] = Field(default_factory=dict)
    """Parts that packages bring."""
    accounts: tuple[AccountSettings, ...] = ()
    """Where we are registered."""
    routes: tuple[Route, ...] = ()
    """Which service takes which call."""
    rooms: dict[str, RoomSettings] = Field(default_factory=dict)
    """Conference rooms."""
    boxes: dict[str, BoxSettings] = Field(default_factory=dict)
    """Voice mail boxes."""
    storage: StorageSettings = StorageSettings()
    mail: MailSettings = MailSettings()
    dialout: DialoutSettings = DialoutSettings()
    operator: OperatorSettings = OperatorSettings()
    api: ApiSettings = ApiSettings()
    auth: AuthSettings = AuthSettings()
    registrar: RegistrarSettings = RegistrarSettings()
    limits: LimitSettings = LimitSettings()
    tls: TlsSettings = TlsSettings()
    connections: ConnectionSettings = ConnectionSettings()
    dns: DnsSettings = DnsSettings()
    session: SessionSettings = SessionSettings()
    announcements: AnnouncementSettings = AnnouncementSettings()
    audio: AudioSettings = AudioSettings()
    files: FileSettings = FileSettings()
    keys: KeySettings = KeySettings()
    trace: TraceSettings = TraceSettings()
    log: LogSettings = LogSettings()

    @field_validator("accounts", mode="after")
    @classmethod
    def _accounts_differ(cls, accounts: tuple[AccountSettings, ...]) -> tuple[AccountSettings, ...]:
        names = [account.name for account in accounts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two accounts named {name}")
        return accounts

    @field_validator("routes", mode="after")
    @classmethod
    def _accounts_are_known(cls, routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
        # Without them they were wrong themselves, which is said already.
        if (accounts := info.data.get("accounts")) is not None and not _brought(info):
            known = {account.name for account in accounts}
            for route in routes:
                if route.account is not None and route.account not in known:
                    raise ValueError(f"there is no account named {route.account}")
        return routes

    @field_validator("dialout", mode="after")
    @classmethod
    def _account_is_known(cls, dialout: DialoutSettings, info: ValidationInfo) -> DialoutSettings:
        # As for routes.
        known = [None, *(account.name for account in info.data.get("accounts") or ())]
        if "accounts" in info.data and dialout.account not in known and not _brought(info):
            raise ValueError(f"there is no account named {dialout.account}")
        return dialout

    @field_validator("rooms", mode="after")
    @classmethod
    def _numbers_differ(cls, rooms: dict[str, RoomSettings]) -> dict[str, RoomSettings]:
        by_number: dict[str, str] = {}
        for name, settings in rooms.items():
            if name == "default" and settings.number is not None:
                raise ValueError("number belongs to one room, and not to [rooms.default]")
            if settings.number is not None and by_number.setdefault(settings.number, name) != name:
                raise ValueError(f"{by_number[settings.number]} and {name} have the same number")
        return rooms

    @model_validator(mode="after")
    def _who_registers_is_asked(self) -> Self:
        auth = self.auth
        known = auth.users or auth.users_of_component
        if self.registrar.enabled and known and "REGISTER" not in auth.challenge:
            asked = auth.model_copy(update={"challenge": (*auth.challenge, "REGISTER")})
            # Frozen for all others.
            object.__setattr__(self, "auth", asked)
        return self

    def room(self, name: str) -> RoomSettings:
        """What holds for the room of that name: its own section over ``[rooms.default]``."""
        default = self.rooms.get("default", RoomSettings())
        own = self.rooms.get(name)
        if own is None:
            return default
        return default.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})

    def box(self, name: str) -> BoxSettings | None:
        """What holds for the voice mail box of that name: its own section over ``[boxes.default]``. None:
        there is no such box."""
        own = None if name == "default" else self.boxes.get(name)
        default = self.boxes.get("default")
        if own is None or default is None:
            return own
        return default.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})

    def box_of(self, user: str) -> str | None:
        """The name of the voice mail box that belongs to a user's telephone."""
        for name in self.boxes:
            if (settings := self.box(name)) is not None and user in (settings.users or (name,)):
                return name
        return None
