"""Plays an announcement and hangs up.

Parameter ``play``: its name in the announcement folders; without it the file of the dialled user; without
such a file the one that comes with SEMS. Parameter ``repeat``: how many times, or ``forever``.
``sip:annc@…;play=NAME;repeat=N`` works as well (RFC 4240).
"""

from sems import App, Call

app = App()

DEFAULT = "default-announcement"
MOST_REPEATS = 10_000


@app.call
async def main(call: Call) -> None:
    """Answers, plays, and hangs up by returning."""
    wanted = call.params.get("play") or call.user
    # Only names inside the announcement folders, whatever the caller writes.
    announcement = call.server.sounds.announcement(wanted)
    if announcement is None:
        if call.user == "annc":
            await call.reject(404, "No Such Announcement")
            return
        call.log.info("there is no announcement of that name, the default is played", name_wanted=wanted)
    await call.answer()
    await call.play(announcement or DEFAULT, repeat=repeats(call.params.get("repeat")))


def repeats(value: str | None) -> int:
    """How many times to play; 0: until the caller hangs up; once for what is no number."""
    if value is not None and value.strip().lower() == "forever":
        return 0
    if value is not None and value.isascii() and value.isdigit():
        # A longer number than this says the same.
        return max(1, min(int(value[:6]), MOST_REPEATS))
    return 1
