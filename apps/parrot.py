"""Says back what callers say, when they have said it: where a voice agent would listen and answer."""

from sems import App, Block, Call

app = App()


@app.call
async def main(call: Call) -> None:
    """Answers, and says back what it hears until the caller hangs up. Who interrupts it is listened to."""
    await call.answer()
    said: list[Block] = []
    async for block in call.audio:
        if call.speaking:
            call.audio.clear()
            said.append(block)
        elif said:
            for part in said:
                call.audio.write_nowait(part)
            said.clear()
