"""A service written badly: blocks the event loop for five seconds."""

import time

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    time.sleep(5)  # noqa: ASYNC251 — that is the point
    await call.wait_ended()
