"""Keys of a telephone, both ways."""

from __future__ import annotations

import asyncio
import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar

from .. import checks
from ..errors import HungUp
from ..events import CallEvent
from .playback import Playback
from .sounds import Sound, checked

if TYPE_CHECKING:
    from ..server import Server

KEYS = "0123456789*#ABCD"
"""The keys of a telephone."""

DigitMethod = Literal["agreed", "rtp", "info", "inband"]
"""How keys are sent."""

_T = TypeVar("_T")
_KEYS_KEPT = 64
"""Keys that are kept for an app that does not ask for them."""
_KEY_SECONDS = 0.2
"""How long the core takes to send one key, with the pause behind it."""


class CallKeys(ABC):
    """What can be done with the keys of a call. See :class:`~sems.call.Call`, which adds the rest."""

    id: int
    server: Server

    # Most calls never have a key in there, nor anybody who waits for one.

    @cached_property
    def _keys(self) -> list[str]:
        return []

    @cached_property
    def _key_waiters(self) -> list[asyncio.Future[str]]:
        return []

    @abstractmethod
    async def _while_up(self, source: asyncio.Future[_T]) -> _T:
        """The result of ``source``, or HungUp when the call ends first."""

    @abstractmethod
    async def _alone(self, future: asyncio.Future[_T]) -> _T:
        """The same of a future that nobody else waits for."""

    @abstractmethod
    def start_play(self, sound: Sound | Sequence[Sound]) -> Playback:
        """Begins to play."""

    @abstractmethod
    async def play(self, sound: Sound | Sequence[Sound]) -> bool:
        """Plays to the end."""

    @abstractmethod
    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens."""

    def _done(self, request: int) -> Awaitable[None]:
        return self._alone(self.server.engine.completion(request))

    async def digit(self, timeout: float | None = None) -> str | None:
        """The next key that the peer presses; None when none comes within ``timeout`` seconds.

        >>> while (key := await call.digit(timeout=5)) is not None:
        ...     await call.play(f"digit-{key}")

        It may come as a telephone-event (RFC 4733), by INFO or, from a peer that has agreed on no
        telephone-events, in the sound itself. Keys pressed since the last that was asked for come first.
        """
        checks.seconds("timeout", timeout, none=True)
        if self._keys:
            return self._keys.pop(0)
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._key_waiters.append(waiter)
        key = None
        try:
            async with asyncio.timeout(timeout):
                key = await self._while_up(waiter)
        except TimeoutError:
            pass
        finally:
            if waiter in self._key_waiters:
                self._key_waiters.remove(waiter)
            elif key is None and waiter.done():
                # It came in the moment in which the wait ended.
                self._keys.insert(0, waiter.result())
        return key

    def forget_digits(self) -> None:
        """Drops keys that were pressed and not asked for yet."""
        self._keys.clear()

    async def ask(
        self,
        prompt: Sound | Sequence[Sound] | None = None,
        *,
        digits: int | None = 1,
        timeout: float = 5.0,
        digit_timeout: float | None = None,
        retries: int = 2,
        terminator: str = "#",
        pattern: str | re.Pattern[str] | None = None,
        barge_in: bool = True,
        wrong: Sound | Sequence[Sound] | None = None,
        silent: Sound | Sequence[Sound] | None = None,
    ) -> str:
        r"""Plays the prompt and collects keys; the first one stops the prompt.

        >>> pin = await call.ask("enter-pin", digits=None, pattern=r"\d{4,6}", wrong="wrong-pin")

        Ends with ``digits`` keys (None: any number), with the ``terminator`` (which is not returned;
        ``""``: none), or when no key comes for ``timeout`` seconds after the prompt, or for
        ``digit_timeout`` after a key (None: the same). What is empty or does not match ``pattern`` (a regular
        expression for the whole) is asked for again, ``retries`` times, with ``wrong`` played before, or
        ``silent`` when no key came, not even the terminator.

        ``barge_in=False``: the prompt is heard to its end, and keys pressed before that count for nothing.

        Returns the keys; ``""`` when nothing fitting came. Raises ValueError at once for a ``pattern`` that
        is no regular expression, and for what is no number of times, of keys or of seconds.
        """
        checks.whole("digits", digits, 1, none=True)
        checks.seconds("timeout", timeout)
        checks.seconds("digit_timeout", digit_timeout, none=True)
        checks.whole("retries", retries, 0)
        checks.one_of("terminator", terminator, "", *KEYS)
        checks.pattern("pattern", pattern)
        checks.flag("barge_in", barge_in)
        for name, sound in (("prompt", prompt), ("wrong", wrong), ("silent", silent)):
            if sound is not None:
                checked(name, sound)
        between = timeout if digit_timeout is None else digit_timeout
        before: list[Sound] = []
        for _ in range(retries + 1):
            keyed = await self._ask_once(
                [*before, *_listed(prompt)], digits, timeout, between, terminator, barge_in
            )
            if keyed and (pattern is None or re.fullmatch(pattern, keyed)):
                return keyed
            before = _listed(silent if keyed is None else wrong)
        return ""

    async def _ask_once(
        self,
        prompt: Sequence[Sound],
        digits: int | None,
        timeout: float,
        between: float,
        terminator: str,
        barge_in: bool,
    ) -> str | None:
        """The keys; None: none came."""
        keyed = ""
        if prompt and not barge_in:
            await self.play(prompt)
            self.forget_digits()
            prompt = ()
        key = await self._first_key(prompt, timeout)
        if key is None:
            return None
        while key is not None and key != terminator:
            keyed += key
            if digits is not None and len(keyed) >= digits:
                break
            key = await self.digit(between)
        return keyed

    async def _first_key(self, prompt: Sequence[Sound], timeout: float) -> str | None:
        """The first key, for which the time begins when the prompt has ended."""
        if not prompt or self._keys:
            return await self.digit(timeout)
        playback = self.start_play(prompt)
        playback.heed()
        loop = asyncio.get_running_loop()

        def ended() -> None:
            limit.reschedule(loop.time() + (0 if playback.failed else timeout))

        try:
            async with asyncio.timeout(None) as limit:
                withdraw = playback.on_end(ended)
                try:
                    return await self.digit()
                finally:
                    withdraw()
        except TimeoutError:
            if playback.failed:
                await playback.wait()
            return None
        finally:
            playback.cancel()

    async def send_digits(self, digits: str, *, method: DigitMethod = "agreed") -> None:
        """Presses keys at the peer, 100 ms each with 100 ms between; returns after the last.

        >>> await call.send_digits("42#")

        ``method``: ``rtp``, as telephone events (RFC 4733); ``info``, each in an INFO with
        ``application/dtmf-relay``; ``inband``: as tones in the sound; ``agreed``: in RTP where that was
        agreed on, else by INFO.

        Raises ValueError for what is no key (0–9, A–D, ``*`` and ``#``), and EngineError when the peer does
        not take it.
        """
        checks.one_of("method", method, "agreed", "rtp", "info", "inband")
        checks.keys("digits", digits)
        if method == "inband":
            await self.play(self.server.sounds.tone(f"dtmf:{digits}"))
            return
        for number, digit in enumerate(digits, 1):
            await self._done(self.server.engine.core.send_digits(self.id, digit, method))
            try:
                await self.sleep(_KEY_SECONDS)
            except HungUp:
                # A menu may hang up at the last key, which then has done its work.
                if number < len(digits):
                    raise

    async def sleep(self, seconds: float) -> None:
        """Waits so long, or until the call ends, which raises HungUp.

        >>> await call.sleep(0.5)
        """
        checks.seconds("seconds", seconds)
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._while_up(never)

    def _on_key(self, key: str) -> None:
        while self._key_waiters:
            waiter = self._key_waiters.pop(0)
            if not waiter.done():
                waiter.set_result(key)
                return
        self._keys.append(key)
        del self._keys[:-_KEYS_KEPT]


def _listed(sound: Sound | Sequence[Sound] | None) -> list[Sound]:
    """One after the other."""
    if sound is None:
        return []
    return [sound] if isinstance(sound, Sound) else list(sound)
