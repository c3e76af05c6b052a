"""An app that hears and speaks by itself: it answers what the caller says, an octave lower, one rate up."""

import numpy

from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    listening = call.audio.listen(rate=16_000, block=0.1)
    try:
        async for block in listening:
            samples = numpy.frombuffer(block, dtype=numpy.int16)
            # Half as fast is an octave lower and twice as long: the second half is left out.
            call.audio.write_nowait(samples[:800].repeat(2), rate=16_000)
    finally:
        call.log.info("it was heard to the end", dropped=listening.dropped)
