"""Asks who calls for the number of a conference and lets him in: one number to dial for all rooms.

Parameters: ``rooms=known``: only rooms that ``[rooms]`` names, by their ``number`` or, if that is a number,
by their name; otherwise whatever is keyed in is a room. ``language``: what is spoken; without it that of
``[rooms.default]``, and then that of the room. Those of ``[rooms]`` go on to the room, which asks its PIN.
"""

from pathlib import Path

from sems import App, Call, Refer, SipRequest, Subscription

app = App()

TRIES = 3
PATIENCE = 10.0
"""Seconds in which the first key has to come, …"""
BETWEEN = 5.0
"""… and each other; then what there is counts, as with the pound."""


@app.call
async def main(call: Call) -> None:
    """Asks, lets take part, and hangs up by returning."""
    conferences = call.server.conferences
    await conferences.answer(call)
    name = await which(call)
    if name is None:
        await call.play(sound(call, "entry-goodbye"))
        await call.hangup("no conference was asked for")
    else:
        await conferences.get(name).join(call)


async def which(call: Call) -> str | None:
    """The name of the room that is wanted; None: after three times it is still none."""
    known = call.params.get("rooms", "").lower() == "known"
    before = ["welcome"]
    for _ in range(TRIES):
        prompts = [sound(call, name) for name in (*before, "entry-number")]
        keyed = await call.ask(prompts, digits=None, timeout=PATIENCE, digit_timeout=BETWEEN, retries=0)
        # A star takes back what was keyed in so far.
        number = keyed.rpartition("*")[2]
        name = await call.server.conferences.by_number(call, number, known=known) if number else None
        if name is not None:
            return name
        before = ["entry-unknown"] if number else []
    return None


def sound(call: Call, name: str) -> Path:
    """A prompt in the language of the caller."""
    language = call.params.get("language") or call.server.config.room("default").language
    return call.server.sounds.spoken(name, language)


# Who came in by this door sends these in his call, so the room is known.


@app.message
async def text(message: SipRequest) -> None:
    """A text from one who takes part, for all who do."""
    await message.server.conferences.take_message(None, message)


@app.subscription("conference")
async def follow(subscription: Subscription) -> None:
    """One who takes part is told who else does."""
    await subscription.server.conferences.take_subscription(None, subscription)


@app.refer
async def invite(refer: Refer) -> None:
    """One who takes part has somebody called, or removed."""
    await refer.server.conferences.take_refer(None, refer)
