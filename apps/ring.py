"""Rings for a while, then answers and lets callers hear themselves. The app to try CANCEL on.

Parameter ``seconds``: how long it rings, 0 to 180; 5 without it.
"""

from sems import App, Call

app = App()

SECONDS = 5.0
# RFC 3261 §16.6 lets proxies give up after three minutes.
MOST = 180.0


@app.call
async def main(call: Call) -> None:
    """Sends 180, and 200 when the time is over."""
    await call.ring()
    await call.sleep(seconds(call.params.get("seconds")))
    await call.answer()
    await call.echo(True)
    await call.wait_ended()


def seconds(value: str | None) -> float:
    """What the parameter asks for; the usual time for what is no number."""
    try:
        asked = float(value or SECONDS)
    except ValueError:
        return SECONDS
    return min(asked, MOST) if asked >= 0 else SECONDS
