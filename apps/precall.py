"""Plays an announcement to callers before they are connected, refused or sent elsewhere.

It is heard before the call is answered (183, early media), which nobody is charged for. Parameters, of a
route or a trusted neighbour: ``play``, ``language`` and ``repeat`` as of ``announcement``; ``then``: what is
next. ``connect``, the usual: the call goes on to ``to``, or behind a proxy to whom it is for. ``refuse``: it
ends with ``code`` (480) and ``reason``. ``transfer``: it is answered first, and then sent to ``to`` (REFER).
"""

import asyncio
import contextlib
from functools import partial

from sems import App, Call, Prompt, SoundNotFound

app = App()

DEFAULT = "default"
REFUSED = 480
MOST_REPEATS = 100
# As long as proxies have it (RFC 3261 §16.6); whom is called may have less.
PATIENCE = 180.0


@app.call
async def main(call: Call) -> None:
    """Plays, and goes on as the parameters say."""
    to = call.params.get("to")
    match call.params.get("then", "connect"):
        case "connect":
            # First: who can't be connected need not listen.
            target, how = await call.server.onward(call, to)
            await announce(call)
            await call.bridge(target, timeout=PATIENCE, follow_redirects=call.server.way_on, **how)
        case "refuse":
            await announce(call)
            code = call.params.number("code", most=999)
            await call.reject(code if 400 <= code <= 699 else REFUSED, phrase(call.params.get("reason")))
        case "transfer" if to is not None:
            await call.answer()
            await announce(call)
            await call.hand_over(to)
        case other:
            call.log.error("parameter then is connect, refuse, or transfer with parameter to", then=other)
            await call.reject(500)


def phrase(reason: str | None) -> str | None:
    """What can be sent as one line."""
    return reason and "".join(letter if letter.isprintable() else " " for letter in reason)


async def announce(call: Call) -> None:
    """Plays it. A call does not fail for want of an announcement."""
    prompt = await load(call)
    if prompt is None:
        call.log.warning("there is no announcement to be played before the call")
        return
    if call.state != "answered":
        await call.ring(183, early_media=True)
    # Forever is until the caller has had enough, and no longer than of any announcement.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(call.server.config.announcements.seconds):
            await call.play(prompt, repeat=call.params.times(most=MOST_REPEATS))


async def load(call: Call) -> Prompt | None:
    """The first there is of what is asked for, the one of the dialled user and the usual one."""
    sounds = call.server.sounds
    for name in (call.params.get("play"), call.user, DEFAULT):
        find = partial(
            sounds.announcement, name or "", domain=call.request_uri.host, languages=call.languages
        )
        # It looks in many folders, which may lie on a disk that is slow.
        found = await call.while_up(asyncio.to_thread(find))
        if found is not None:
            try:
                return sounds.ready(found) or await call.while_up(sounds.load(found))
            except SoundNotFound as error:
                call.log.error("an announcement can't be played", why=str(error))
    return None
