"""What the API sends and takes of two who are to be connected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from ...conference.dialling import LONGEST_NAME
from ...connecting import Change, Connection, Side, SideState, State, Wanted
from ...sip.dialled import LONGEST
from .base import View, Wish, moment

Target = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Param = Annotated[str, Field(max_length=1000)]


class SideView(View):
    """One who is called."""

    target: str
    """Whom, as it was asked for."""
    state: SideState
    """`waiting`, `calling`, `ringing`, `answered`, `failed` or `ended`."""
    call: int | None
    """The id of his call, as of getCall."""
    code: int | None
    """The last SIP response, 100 to 699; 408 also for silence, 487 if he was not called any more, 503 also
    when there was no way there."""
    reason: str
    """What it said; or why the call ended."""

    @classmethod
    def of(cls, side: Side) -> SideView:
        """As it is now."""
        return cls(target=side.target, state=side.state, call=side.call, code=side.code, reason=side.reason)


class ConnectionView(View):
    """Two who are to be connected, or one and a room or service."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    id: int
    state: State
    """`calling`: the first is called; `connecting`: he has answered, and the second is called; `connected`;
    `ended`: it was connected, and is over; `failed`: it could not be connected; `cancelled`: it was taken
    back."""
    first: Annotated[SideView, Field(alias="from")]
    second: Annotated[SideView | None, Field(alias="to")]
    """Null: the first is put through to a room or service."""
    room: str | None
    service: str | None
    began: datetime
    connected: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, connection: Connection) -> ConnectionView:
        """As it is now."""
        return cls(
            id=connection.id,
            state=connection.state,
            first=SideView.of(connection.first),
            second=None if connection.second is None else SideView.of(connection.second),
            room=connection.room,
            service=connection.service,
            began=moment(connection.began),
            connected=None if connection.connected is None else moment(connection.connected),
            ended=None if connection.ended is None else moment(connection.ended),
        )


class ConnectionList(View):
    """Those that go on, and those that ended not long ago, the oldest first."""

    sequence: int
    """The number of the last event that is part of this picture."""
    connections: list[ConnectionView]


class ConnectionEventView(View):
    """A change. What is given is the whole connection."""

    type: Literal["connection_changed"] = "connection_changed"
    sequence: int
    connection: ConnectionView

    @classmethod
    def of(cls, change: Change) -> ConnectionEventView:
        """As everybody who follows is told it."""
        return cls(sequence=change.sequence, connection=ConnectionView.of(change.connection))


class ConnectionWish(Wish):
    """Whom to call, and what to put him through to: one of `to`, `room` and `service`."""

    first: Annotated[Target, Field(alias="from")]
    """Who is called first: a name, a number or an address, as `[dialout]` allows it."""
    second: Annotated[Target | None, Field(alias="to")] = None
    """Who is called then."""
    room: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The conference in which he is to take part."""
    service: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The service that he is to be served by, such as `voicebox`, …"""
    params: Annotated[dict[Param, Param], Field(max_length=32)] | None = None
    """… and its parameters."""
    early: bool = False
    """`to` is called as soon as `from` rings; otherwise when he has answered."""
    name: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """What their telephones show as the name of the caller; null: who is at the other end."""
    timeout: Annotated[float, Field(ge=1, le=300)] | None = None
    """For so many seconds each may ring; null: as `[dialout] ring_time` says."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"
    """What `from` is spoken to in when nobody answers."""

    @model_validator(mode="after")
    def _params_have_a_service(self) -> ConnectionWish:
        if self.params is not None and self.service is None:
            raise ValueError("Only a service has params.")
        return self

    def wanted(self) -> Wanted:
        """The same for what connects. Raises BadTarget."""
        return Wanted(
            first=self.first,
            second=self.second,
            room=self.room,
            service=self.service,
            params=self.params or {},
            early=self.early,
            shown=self.name,
            timeout=self.timeout,
            language=self.language,
        )
