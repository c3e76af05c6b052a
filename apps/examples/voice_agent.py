"""A voice agent: a recogniser, something that thinks of an answer, and a voice, each of which can be
replaced.

    sems run apps/examples/voice_agent.py        (pip install pocketsphinx; apt install espeak-ng)

It says hello, hears what the caller says, answers sentence by sentence, and lets itself be interrupted:
when the caller speaks it is silent at once and listens. A language model or a service in the web takes the
place of a part by having its methods:

    agent = Agent(ears=MyRecogniser(), mind=MyModel())
    server.voice = MyVoice()
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

from sems import App, Block, Call, Playback, Say

app = App()


class Ears(Protocol):
    """Understands what was said, by several callers at once. Cancelled when a caller interrupts."""

    rate: int
    """Samples a second that it wants."""

    async def understand(self, pcm: bytes) -> str:
        """The words in 16-bit samples, of which the caller was silent before and after; empty: none."""


class Mind(Protocol):
    """Thinks of an answer."""

    def answer(self, heard: str) -> AsyncIterator[str]:
        """Sentences, which are said as they come. Closed early when the caller interrupts."""


class Sphinx:
    """PocketSphinx: understands the phrases that it is given, without a network. Its wheel has its model."""

    rate = 16_000

    def __init__(self, *phrases: str) -> None:
        self._phrases = phrases
        # Its only one: a decoder hears one utterance after the other, also when nobody waits any more.
        self._thread = ThreadPoolExecutor(max_workers=1)

    @cached_property
    def _decoder(self) -> Any:
        import pocketsphinx

        decoder = pocketsphinx.Decoder(samprate=float(self.rate), lm=None, loglevel="FATAL")
        choices = " | ".join(self._phrases)
        decoder.add_jsgf_string("phrases", f"#JSGF V1.0;\ngrammar phrases;\npublic <said> = {choices};\n")
        decoder.activate_search("phrases")
        return decoder

    async def understand(self, pcm: bytes) -> str:
        """In a thread, for it takes a while."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._decode, pcm)

    def _decode(self, pcm: bytes) -> str:
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return "" if found is None else found.hypstr


class Answers:
    """A mind of few thoughts: the sentences that belong to what was heard."""

    def __init__(self, known: dict[str, list[str]], otherwise: list[str]) -> None:
        self._known = known
        self._otherwise = otherwise

    async def answer(self, heard: str) -> AsyncIterator[str]:
        """One sentence after the other."""
        for sentence in self._known.get(heard, self._otherwise):
            yield sentence


class Agent:
    """Holds a conversation."""

    greeting = "Hello. How can I help you?"
    pause = 0.5
    """So many seconds of silence end what the caller says."""
    before = 0.4
    """So many seconds before it is clear that somebody speaks belong to what he says."""
    block = 0.02

    def __init__(self, ears: Ears, mind: Mind) -> None:
        self.ears = ears
        self.mind = mind

    async def talk(self, call: Call) -> None:
        """Until the caller hangs up."""
        async with call.group() as group:
            answering = group.create_task(self.say(call, self.greeting))
            async for utterance in self.listen(call):
                # None: somebody has begun to speak. Whatever is being thought or said has to stop.
                answering.cancel()
                if utterance is not None:
                    answering = group.create_task(self.answer(call, utterance))

    async def listen(self, call: Call) -> AsyncIterator[bytes | None]:
        """None when the caller begins to speak, and then what he has said."""
        said: list[Block] = []
        earlier: deque[Block] = deque(maxlen=round(self.before / self.block))
        silence = 0.0
        async for block in call.audio.listen(rate=self.ears.rate, block=self.block):
            if call.speaking:
                if not said:
                    yield None
                    said.extend(earlier)
                said.append(block)
                silence = 0.0
            elif said:
                said.append(block)
                silence += self.block
                if silence >= self.pause:
                    yield b"".join(said)
                    said.clear()
            earlier.append(block)

    async def answer(self, call: Call, utterance: bytes) -> None:
        """What is to be said to that, sentence by sentence."""
        heard = await self.ears.understand(utterance)
        call.log.info("the caller was heard", words=heard)
        async for sentence in self.mind.answer(heard):
            await self.say(call, sentence)

    async def say(self, call: Call, text: str) -> None:
        """One sentence. Cancelled, it is silent at once."""
        playback: Playback = call.start_play(Say(text))
        try:
            await playback.wait()
        finally:
            playback.cancel()


agent = Agent(
    ears=Sphinx("who are you", "tell me a story", "goodbye"),
    mind=Answers(
        {
            "who are you": ["I am a small voice agent."],
            "tell me a story": [
                "Once upon a time there was a telephone.",
                "It rang and rang, and nobody came.",
                "So it learned to answer by itself.",
                "And they all spoke happily ever after.",
            ],
            "goodbye": ["Goodbye."],
        },
        otherwise=["I did not understand you."],
    ),
)


@app.call
async def main(call: Call) -> None:
    """Answers and talks."""
    await call.answer()
    await agent.talk(call)
