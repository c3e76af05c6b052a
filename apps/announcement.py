"""Plays an announcement, then hangs up or has the caller call somebody else.

Which one: parameter ``play``, a name in the announcement folders or an address below ``[announcements]
urls``; else that of the dialled user, else ``default``, else the one that comes with SEMS. Each may be there
for the dialled domain and in the caller's language. ``repeat``: how many times, or ``forever``; ``delay``:
milliseconds in between; ``duration``: after so many milliseconds it ends. These, and ``locale``, are taken
from ``sip:annc@…;play=NAME`` as well (RFC 4240). ``language``: what is played, in place of what the phone
asks for. ``transfer=sip:…`` (of a route or a trusted neighbour): whom the caller is to call then.
"""

import asyncio
from itertools import count

from sems import App, Call, EngineError, Prompt, SoundNotFound

app = App()

DEFAULT = "default"
SHIPPED = "default-announcement"
MOST_REPEATS = 10_000


@app.call
async def main(call: Call) -> None:
    """Finds it, answers, plays, and hangs up by returning."""
    # RFC 4240 §3: nothing else is played where it is asked for by its address.
    alone = call.user == "annc"
    wanted = call.params.get("play", "" if alone else call.user)
    if not wanted:
        await call.reject(400, "No Announcement Is Named")
        return
    # Before the answer: a call that can't be served is refused, and costs nothing.
    prompt = await load(call, wanted)
    if prompt is None:
        if alone:
            await call.reject(404, "No Such Announcement")
            return
        call.log.info("there is no announcement of that name, the default is played", name_wanted=wanted)
        prompt = await load(call, DEFAULT) or await shipped(call)
    await call.answer()
    most = call.server.config.announcements.seconds
    try:
        async with asyncio.timeout(min(most, milliseconds(call, "duration") or most)):
            await play(call, prompt, repeats(call.params.get("repeat")), milliseconds(call, "delay"))
    except TimeoutError:
        call.log.debug("the announcement has lasted as long as it may")
    if (target := call.params.get("transfer")) is not None:
        await transfer(call, target)


async def load(call: Call, name: str) -> Prompt | None:
    """The announcement of that name, ready to be played; None: there is none, or it can't be read."""
    sounds = call.server.sounds
    # Only what callers may have, whatever they write.
    found = sounds.announcement(name, domain=call.request_uri.host, languages=call.languages)
    if found is None:
        return None
    try:
        # Mostly it has been played before.
        return sounds.ready(found) or await call.while_up(sounds.load(found))
    except SoundNotFound as error:
        call.log.error("an announcement can't be played", why=str(error))
        return None


async def shipped(call: Call) -> Prompt:
    """The one that comes with SEMS."""
    sounds = call.server.sounds
    return await sounds.load(
        sounds.spoken(SHIPPED, *call.languages, call.server.config.announcements.language)
    )


async def play(call: Call, prompt: Prompt, repeat: int, delay: float) -> None:
    """Plays it so many times, 0: until the caller hangs up, with ``delay`` seconds of silence in between."""
    if delay == 0:
        await call.play(prompt, repeat=repeat)
        return
    for number in count(1):
        await call.play(prompt)
        if number == repeat:
            return
        await call.sleep(delay)


async def transfer(call: Call, target: str) -> None:
    """Has the caller call somebody else, which ends this call."""
    try:
        outcome = await call.transfer(target)
    except EngineError as error:
        call.log.error("the caller can't be transferred", to=target, why=str(error))
        return
    if not outcome.ok:
        call.log.info("the caller was not transferred", to=target, code=outcome.code, why=outcome.reason)


def repeats(value: str | None) -> int:
    """How many times to play; 0: until the caller hangs up; once for what is no number."""
    if value is not None and value.strip().lower() == "forever":
        return 0
    if value is not None and value.isascii() and value.isdigit():
        # A longer number than this says the same.
        return max(1, min(int(value[:6]), MOST_REPEATS))
    return 1


def milliseconds(call: Call, name: str) -> float:
    """The parameter in seconds; 0 without it, and for what is no number."""
    value = call.params.get(name, "")
    return int(value[:9]) / 1000 if value.isascii() and value.isdigit() else 0.0
