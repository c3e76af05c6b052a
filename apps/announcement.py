"""Plays an announcement, then hangs up or has the caller call somebody else.

Which one: parameter ``play``, a name in the announcement folders or an address below ``[announcements]
urls``; else that of the dialled user, else ``default``, else the one that comes with SEMS. Each may be there
for the dialled domain and in the caller's language. ``repeat``: how many times, or ``forever``; ``delay``:
milliseconds in between; ``duration``: after so many milliseconds it ends. These, and ``locale``, are taken
from ``sip:annc@…;play=NAME`` as well (RFC 4240). ``language``: what is played, in place of what the phone
asks for. ``transfer=sip:…`` (of a route or a trusted neighbour): whom the caller is to call then.
"""

import asyncio
from functools import partial
from itertools import count

from sems import App, Call, Prompt, SoundNotFound

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
    try:
        prompt = await load(call, wanted)
    except SoundNotFound as error:
        call.log.error("an announcement can't be played", why=str(error))
        if alone:
            await call.reject(404, "That Announcement Can Not Be Read")
            return
        prompt = None
    if prompt is None:
        if alone:
            folders = [str(folder) for folder in call.server.sounds.announcements]
            call.log.info("there is no such announcement", play=wanted, folders=folders)
            await call.reject(404, "No Such Announcement")
            return
        call.log.info("that announcement is not played but the default", name_wanted=wanted)
        prompt = await default(call)
    await call.answer()
    params, most = call.params, int(call.server.config.announcements.seconds * 1000)
    # RFC 4240 §3: what forever means is ours to limit.
    duration = params.number("duration", most, most=most) or most
    try:
        async with asyncio.timeout(duration / 1000):
            delay = params.number("delay", most=most)
            await play(call, prompt, params.times(most=MOST_REPEATS), delay / 1000)
    except TimeoutError:
        call.log.debug("the announcement has lasted as long as it may")
    if (target := params.get("transfer")) is not None:
        await call.hand_over(target)


async def load(call: Call, name: str) -> Prompt | None:
    """The announcement of that name, ready to be played; None: there is none. Raises SoundNotFound for one
    that can't be read."""
    sounds = call.server.sounds
    # Only what callers may have, whatever they write.
    find = partial(sounds.announcement, name, domain=call.request_uri.host, languages=call.languages)
    # It looks in many folders, which may lie on a disk that is slow.
    found = await call.while_up(asyncio.to_thread(find))
    if found is None:
        return None
    # Mostly it has been played before.
    return sounds.ready(found) or await call.while_up(sounds.load(found))


async def default(call: Call) -> Prompt:
    """The one that is played for want of another: yours, or the one that comes with SEMS."""
    try:
        if (prompt := await load(call, DEFAULT)) is not None:
            return prompt
    except SoundNotFound as error:
        call.log.error("an announcement can't be played", why=str(error))
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
