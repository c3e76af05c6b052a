"""Lets callers hear themselves.

Parameter ``delay``: how many milliseconds later, up to ten thousand; at once without it.
"""

from sems import App, Call

app = App()

LONGEST = 10_000


@app.call
async def main(call: Call) -> None:
    """Answers, and says back what it hears until the caller hangs up."""
    await call.answer()
    await call.echo(True, delay=delay(call.params.get("delay")))
    await call.wait_ended()


def delay(value: str | None) -> float:
    """The parameter in seconds; 0 for what is no number."""
    known = value is not None and value.isascii() and value.isdigit()
    return min(int((value or "0")[:6]), LONGEST) / 1000 if known else 0.0
