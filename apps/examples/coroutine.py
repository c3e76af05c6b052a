"""The second level: a coroutine a call. Who keys in a number hears it again."""

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    """Asks, answers, and hangs up by returning."""
    await call.answer()
    pin = await call.ask("welcome", digits=4)
    await call.play([f"digit-{digit}" for digit in pin])
