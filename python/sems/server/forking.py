"""Calling several, of whom the first who answers gets the call (RFC 3261 §16.6 and 16.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from .. import checks
from ..audio.codecs import offered
from ..call import Call
from ..errors import CallFailed, SemsError
from ..locating import redirect
from ..log import logger
from ..sip import identity
from ..sip.headers import SipUri
from . import outgoing

if TYPE_CHECKING:
    from .server import Server

_ELSEWHERE = "Call completed elsewhere"
_SILENCE = (408, 480, 503)


class How(outgoing.How, total=False):
    """How all of the calls are placed: as :class:`~sems.server.How`, and what is an INVITE's alone."""

    to_uri: str
    """The To address; empty: each as it is called."""
    link: str | None
    """The control page of the call."""
    focus: bool
    """It is for a conference of ours."""
    reliable: bool
    """Whom we call has to ring reliably (RFC 3262)."""
    codecs: Sequence[str]
    """The names of the codecs to offer, the best first; none: all."""


Onward = Callable[[str], tuple[str, How]]
"""Says of an address to which a call was sent (3xx) how it is called there: its address, and what
is different there. Raises SemsError when it may not be called."""


async def fork(
    server: Server,
    uris: Sequence[str],
    *,
    serial: bool,
    timeout: float,
    ring: float | None,
    placed: Callable[[Call], None] | None,
    follow_redirects: bool | Onward = False,
    rather: Sequence[str] = (),
    **how: Unpack[How],
) -> Call:
    """As :meth:`Server.fork() <sems.server.Server.fork>`. ``rather``: the codecs to offer; who takes none of
    them (488) is called again with all."""
    if not uris:
        raise ValueError("fork() needs somebody to call")
    for uri in uris:
        if not isinstance(uri, str):
            raise TypeError(
                f"each of uris has to be an address: each address as an argument of its own, not {uri!r}"
            )
    if not any(map(checks.can_be_called, uris)):
        checks.uri("each of uris", uris[0])
    checks.forking(serial, timeout, ring, placed, follow_redirects)
    # What of it can be looked at only once is a list afterwards, for it is needed more than once.
    checks.sending(cast("dict[str, Any]", how), invite=True)
    identity.check(how.get("asserted_identity"))
    offered(how.get("codecs", ()), server.config.audio)
    if (account := how.get("account")) is not None:
        # Raises for one that is not there.
        server.accounts[account]
    branches = [branch for uri in uris for branch in _branches(server, uri, how)]
    calls: list[Call] = []
    winner: Call | None = None
    refusals: list[CallFailed] = []
    wrong: list[ValueError] = []
    called = {uri for uri, _ in branches}

    async def attempt(uri: str, mine: How, seconds: float) -> Call | None:
        """The call once it is answered; None: it was not, which is not the end of it."""
        latest: Call | None = None

        async def call_at(target: str) -> Call:
            if target != uri and target in called:
                # Another was sent there as well, or it is called anyway.
                raise CallFailed(480, f"{target} is called already")
            called.add(target)
            there, by_way = target, mine
            if callable(follow_redirects) and target != uri:
                there, by_way = _permitted(follow_redirects, mine, uri, target)
            elif target != uri:
                by_way = _sent_on(mine, uri, target)
                # The way to a phone of ours leads nowhere else.
                by_way["route"] = how.get("route")
            try:
                return await placed_at(there, by_way, rather)
            except CallFailed as failed:
                if not rather or failed.code != 488:
                    raise
                return await placed_at(there, by_way, ())

        async def placed_at(target: str, by_way: How, codecs: Sequence[str]) -> Call:
            nonlocal latest
            if codecs:
                by_way = {**by_way, "codecs": codecs}
            latest = await server.place(target, ring_timeout=seconds, **by_way)
            calls.append(latest)
            if placed is not None:
                placed(latest)
            await latest.wait_answered()
            return latest

        try:
            try:
                async with asyncio.timeout(seconds):
                    return await (redirect.follow(uri, call_at) if follow_redirects else call_at(uri))
            except TimeoutError:
                if latest is not None:
                    server.spawn(latest.hangup())
                raise CallFailed(408, f"no answer within {seconds:g} seconds") from None
        except CallFailed as failed:
            refusals.append(failed)
            if failed.code >= 600:
                raise
            return None
        except ValueError as error:
            # The others can be called all the same.
            wrong.append(error)
            logger.warning("an address can't be called", address=uri, why=str(error))
            return None

    try:
        async with asyncio.timeout(timeout):
            if serial:
                winner = await _one_after_the_other(branches, attempt, timeout, ring)
            else:
                winner = await _all_at_once(branches, attempt, timeout if ring is None else ring)
    except TimeoutError:
        refusals.append(CallFailed(408, f"no answer within {timeout:g} seconds"))
    finally:
        for call in calls:
            if call is not winner and call.end is None:
                elsewhere = (_ELSEWHERE, 200) if winner is not None else (None, None)
                server.spawn(call.hangup(elsewhere[0], cause=elsewhere[1]))
    if winner is None:
        raise best(refusals) if refusals or not wrong else wrong[0]
    return winner


def _sent_on(how: How, uri: str, target: str) -> How:
    """How a call is placed where it was sent on to: its To is still whom it was for, and no other host is
    told a password."""
    mine = how.copy()
    mine["destination"], mine["to_uri"] = None, how.get("to_uri") or uri
    if SipUri.parse(target).host != SipUri.parse(uri).host:
        mine["username"] = mine["password"] = mine["realm"] = None
    return mine


def _permitted(onward: Onward, how: How, uri: str, target: str) -> tuple[str, How]:
    """The same, the way there being as ``onward`` says, and nothing of the one before."""
    try:
        there, way = onward(target)
    except CallFailed:
        raise
    except SemsError as refused:
        raise CallFailed(302, str(refused)) from None
    mine = how.copy()
    mine["destination"] = mine["route"] = mine["account"] = mine["asserted_identity"] = None
    mine["username"] = mine["password"] = mine["realm"] = None
    mine.update(way)
    # Who calls, and whom, is as it was.
    mine["from_name"], mine["from_uri"] = how.get("from_name", ""), how.get("from_uri", "")
    mine["to_uri"] = how.get("to_uri") or uri
    return there, mine


def _branches(server: Server, uri: str, how: How) -> list[tuple[str, How]]:
    """Whom to call for an address: of one of our registrar all phones."""
    straight = all(how.get(named) is None for named in ("account", "destination", "route"))
    phones = server.registrar.find(uri) if straight else ()
    if not phones:
        return [(uri, how)]
    found = []
    for phone in phones:
        mine = how.copy()
        mine["destination"], mine["route"] = phone.way
        mine["to_uri"] = how.get("to_uri") or uri
        found.append((phone.contact, mine))
    return found


_Attempt = Callable[[str, How, float], Coroutine[Any, Any, Call | None]]


async def _one_after_the_other(
    branches: Sequence[tuple[str, How]], attempt: _Attempt, timeout: float, ring: float | None
) -> Call | None:
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    for place, (uri, how) in enumerate(branches):
        share = max(1.0, (end - loop.time()) / (len(branches) - place)) if ring is None else ring
        if call := await attempt(uri, how, share):
            return call
    return None


async def _all_at_once(branches: Sequence[tuple[str, How]], attempt: _Attempt, seconds: float) -> Call | None:
    tasks = {asyncio.create_task(attempt(uri, how, seconds)) for uri, how in branches}
    try:
        pending = tasks
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            # Who answers gets the call, whatever another says in the same moment.
            for task in sorted(done, key=lambda task: task.exception() is not None):
                # What says that nobody wants the call is raised here.
                if call := task.result():
                    return call
        return None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def best(refusals: Sequence[CallFailed]) -> CallFailed:
    """Which of several to tell of (RFC 3261 §16.7): of who says that nobody wants the call, of the lowest
    class, and rather of one who has said something than of silence. Redirects are told together."""
    if not refusals:
        return CallFailed(480, "nobody could be called")

    def rank(failed: CallFailed) -> tuple[bool, bool, int]:
        return (failed.code < 600, failed.code in _SILENCE, failed.code // 100)

    chosen = min(refusals, key=rank)
    targets = [target for failed in refusals if 300 <= failed.code < 400 for target in failed.targets]
    return CallFailed(chosen.code, chosen.reason, targets if chosen.code < 400 else ())
