"""The shortest service: answers, and waits for the caller to hang up."""

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    await call.wait_ended()
