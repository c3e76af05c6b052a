"""What a conference tells those who follow it, coded once for all of them."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ..conference import Conference, Member
from ..conference.events import Event, ParticipantChanged, Removed
from .stream import event
from .views import ConferenceView, EventView, FiguresView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..engine import Quality

_CODED: Final = 64


class Feed:
    """The events of one conference as bytes, and the alarm clocks of those who wait for them."""

    def __init__(self, conference: Conference) -> None:
        self.conference = conference
        self.levels = b""
        """The last reading of levels."""
        self.readings = 0
        """How many there have been."""
        self.looks = 0
        """How often the figures of the lines have changed."""
        self._figures: dict[int, FiguresView] = {}
        self._changes = b""
        self._coded: OrderedDict[tuple[int, bool, bool], bytes] = OrderedDict()
        self._wakes: set[asyncio.Event] = set()
        self._unsubscribe: list[Callable[[], None]] = []

    def follow(self, wake: asyncio.Event) -> None:
        """Sets ``wake`` whenever there is something new."""
        if not self._wakes:
            self._unsubscribe = [
                self.conference.model.subscribe(self._on_event),
                self.conference.follow_levels(self._on_levels),
                self.conference.follow_quality(self._on_quality),
            ]
        self._wakes.add(wake)

    def unfollow(self, wake: asyncio.Event) -> bool:
        """Leaves it alone again. True if nobody is left."""
        self._wakes.discard(wake)
        if not self._wakes:
            while self._unsubscribe:
                self._unsubscribe.pop()()
        return not self._wakes

    def coded(self, happened: Event, reader: int | None) -> bytes:
        """An event as ``reader`` (``None``: the operator) is told it; empty if he is not."""
        if not happened.is_for(reader):
            return b""
        own = reader is not None and happened.concerns(reader)
        model = self.conference.model
        inside = (
            reader is not None
            and isinstance(happened, ParticipantChanged)
            and happened.participant.private
            and model.hears_in_talk(reader, happened.participant.id)
        )
        key = happened.sequence, own, inside
        if key not in self._coded:
            view = EventView.of(happened, model, own=own, inside=inside)
            self._coded[key] = event(view.model_dump_json(exclude_unset=True), id=happened.sequence)
            if len(self._coded) > _CODED:
                self._coded.popitem(last=False)
        return self._coded[key]

    def levels_for(self, reader: int | None) -> bytes:
        """The last reading as ``reader`` (``None``: the operator) is told it: who talks in private sees there
        also those with whom he does."""
        if reader is None or not (private := self.conference.model.levels_in_talk(reader)):
            return self.levels
        return _levels_event({**self.conference.model.levels, **private})

    def figures(self, known: int) -> bytes:
        """What the lines are like, to one who knows the figures of look ``known``: what has changed, or
        all."""
        return self._changes if known == self.looks - 1 else _figures_event(self._figures)

    def snapshot(self, reader: int | None) -> bytes:
        """The conference as it is now."""
        view = ConferenceView.of(self.conference, reader)
        # Who waits, or was removed, knows nothing of the room, so there is nothing that he could go on from.
        here = reader is None or reader in self.conference.model.participants
        id = view.sequence if here else None
        return event(view.model_dump_json(), name="snapshot", id=id)

    def _on_event(self, _: Event) -> None:
        self._ring()

    def _on_levels(self, levels: Mapping[int, int]) -> None:
        self.levels = _levels_event(levels)
        self.readings += 1
        self._ring()

    def _on_quality(self, known: Mapping[int, Quality]) -> None:
        before = self._figures
        self._figures = {id: FiguresView.of(quality, before.get(id)) for id, quality in known.items()}
        changed = {id: each for id, each in self._figures.items() if before.get(id) != each}
        if changed:
            self._changes = _figures_event(changed)
            self.looks += 1
            self._ring()

    def _ring(self) -> None:
        for wake in self._wakes:
            wake.set()


def _levels_event(levels: Mapping[int, int]) -> bytes:
    return event(json.dumps({str(id): level for id, level in levels.items()}), name="levels")


def _figures_event(figures: Mapping[int, FiguresView]) -> bytes:
    return event(json.dumps({str(id): each.model_dump() for id, each in figures.items()}), name="quality")


class Feeds:
    """The feeds of all conferences that somebody follows."""

    def __init__(self) -> None:
        self._feeds: dict[Conference, Feed] = {}

    def of(self, conference: Conference) -> Feed:
        """The feed of this conference."""
        return self._feeds.setdefault(conference, Feed(conference))

    def drop(self, feed: Feed) -> None:
        """Nobody follows it any more."""
        self._feeds.pop(feed.conference, None)


class ConferenceReader:
    """One who follows a conference: a participant, until his call ends, or the operator."""

    def __init__(
        self, feeds: Feeds, conference: Conference, member: Member | None, since: int | None
    ) -> None:
        """``since``: the number of the last event that he knows; ``None``: he knows nothing."""
        self._feeds = feeds
        self._feed: Feed
        self._model = conference.model
        self._conference = conference
        self._member = member
        self._reader = member.id if member else None
        self._since = since
        self._waits: bool | None = None
        self._sees_nothing = False
        self._readings = -1
        self._looks = 0
        self._wake: asyncio.Event | None = None

    def open(self, wake: asyncio.Event) -> None:
        """Wakes the stream from now on."""
        self._wake = wake
        self._feed = self._feeds.of(self._conference)
        self._feed.follow(wake)
        if self._member:
            self._member.watchers.add(wake)

    def close(self) -> None:
        """The stream is over."""
        if self._wake:
            if self._member:
                self._member.watchers.discard(self._wake)
            if self._feed.unfollow(self._wake):
                self._feeds.drop(self._feed)

    def take(self) -> tuple[bytes, bool]:
        """What he does not know yet. One who was removed is told that, and then nothing of the room."""
        removed = self._member is not None and self._member.removed
        outside = removed or (self._member is not None and self._member.waiting)
        chunks = list(self._changes(removed))
        if self._readings != self._feed.readings and not outside:
            self._readings = self._feed.readings
            chunks.append(self._feed.levels_for(self._reader))
        if self._looks != self._feed.looks and not outside:
            chunks.append(self._feed.figures(self._looks))
            self._looks = self._feed.looks
        over = self._member.ended if self._member else not self._conference.members
        if over:
            chunks.append(event(json.dumps({"reason": self._why()}), name="ended"))
        return b"".join(chunks), over

    def _why(self) -> str:
        if self._member and self._member.turned_away:
            return "turned_away"
        return "removed" if self._member and self._member.removed else "ended"

    def _changes(self, removed: bool) -> Iterator[bytes]:
        if self._member and self._member.waiting:
            # Nor does he see more of what happens than whether somebody is there who can let him in.
            steered = bool(self._model.moderators)
            if self._waits is not steered:
                self._waits = steered
                yield self._feed.snapshot(self._reader)
            return
        if self._waits is not None:
            self._waits = None
            self._since = None
        missed = None if self._since is None else self._model.since(self._since)
        if missed is None:
            if not removed:
                self._since = self._model.sequence
            elif self._sees_nothing:
                return
            self._sees_nothing = removed
            yield self._feed.snapshot(self._reader)
            return
        if removed:
            # All that came after the removal waits until he is brought back.
            ours = [isinstance(each, Removed) and each.participant.id == self._reader for each in missed]
            missed = missed[: len(ours) - ours[::-1].index(True)] if True in ours else []
        for happened in missed:
            self._since = happened.sequence
            yield self._feed.coded(happened, self._reader)
