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
    await call.echo(True, delay=call.params.number("delay", most=LONGEST) / 1000)
    await call.wait_ended()
