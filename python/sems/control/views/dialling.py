"""What the API sends and takes of calls that bring people into a conference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ...conference.dialling import LONGEST_NAME, Dialling, DialState
from ...sip.dialled import LONGEST
from .base import View, Wish

if TYPE_CHECKING:
    from ...conference import ConferenceModel


class DiallingView(View):
    """Somebody who is being called, or was in vain. Who answers is a participant of the same id."""

    id: int
    name: str
    target: str
    """What was dialled; the name of one who is called because his removal was taken back."""
    by: int | None
    """Who dialled; null: the operator."""
    state: DialState
    """`trying`, `ringing`, `failed` or `cancelled`. The last two stay for a minute, to be dialled again."""
    code: int | None
    """The last SIP response, 100 to 699; 408 also for silence, 503 also when there was no way there."""
    reason: str
    """Why it came to nothing, in plain words that stand behind a name."""
    phrase: str
    """What the response said of it."""

    @classmethod
    def of(cls, call: Dialling) -> DiallingView:
        """As everybody in the room sees it."""
        return cls(
            id=call.id,
            name=call.name,
            target=call.name if call.was else call.target,
            by=call.by,
            state=call.state,
            code=call.code,
            reason=call.reason,
            phrase=call.phrase,
        )


class DialWish(Wish):
    """Whom to call."""

    target: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    """A name, a number or an address."""
    name: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """What others see; null: what was dialled tells."""


class Dialled(View):
    """Somebody is being called."""

    sequence: int
    """Whoever has seen the event of this number has seen the call."""
    id: int
    """The call's, and the participant's once he has answered."""


def calls_of(model: ConferenceModel) -> list[DiallingView]:
    """Who is being called, or was in vain."""
    return [DiallingView.of(call) for call in model.calls.values()]
