"""Says back what callers say, when they have said it: where a voice agent would listen and answer."""

from collections import deque

from sems import App, Block, Call

app = App()


@app.call
async def main(call: Call) -> None:
    """Answers, and says back what it hears until the caller hangs up. Who interrupts it is listened to."""
    await call.answer()
    # Of who speaks without an end the last half minute.
    said: deque[Block] = deque(maxlen=1500)
    async for block in call.audio:
        if call.speaking:
            call.audio.clear()
            said.append(block)
        elif said:
            call.audio.write_nowait(b"".join(said))
            said.clear()
