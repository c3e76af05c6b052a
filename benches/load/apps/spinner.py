"""A service written worse: computes for five seconds and never lets go."""

import time

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        sum(range(1000))
    await call.wait_ended()
