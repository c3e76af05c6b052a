"""Lets callers hear themselves."""

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    """Answers, and says back what it hears until the caller hangs up."""
    await call.answer()
    await call.echo(True)
    await call.wait_ended()
