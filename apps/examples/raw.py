"""The fourth level: raw SIP and PCM. Requests just as they come, header fields, and the samples themselves.

Says back what it hears, an octave lower; tells in an INFO of its own how loud the caller was, and answers a
method that nobody else knows.
"""

from array import array

from sems import App, Call, SipRequest

app = App()

LOUD = 8000


@app.call
async def main(call: Call) -> None:
    """Samples in, samples out."""
    await call.answer(headers=[("X-Asked", call.headers.get("X-Ask", "nothing"))])
    told = False
    async for block in call.audio.listen(rate=8000, block=0.1):
        samples = array("h", memoryview(block).tobytes())
        if not told and max(samples, default=0) > LOUD:
            told = True
            await call.request("INFO", body=str(max(samples)), content_type="text/x-level")
        # Every sample twice, and of the block's second half nothing, is an octave lower.
        half = samples[: len(samples) // 2]
        await call.audio.write(array("h", (sample for sample in half for _ in (0, 1))), rate=8000)


@app.request("VOLUME")
async def volume(request: SipRequest) -> None:
    """A method of our own."""
    await request.respond(299, "Louder", headers=[("X-Was", request.text)])
