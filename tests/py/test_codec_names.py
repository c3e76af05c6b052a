"""The names of codecs that an app gives."""

from __future__ import annotations

import asyncio

import pytest
from an_app import app_of

from sems import Call
from sems.testing import Lab


async def test_a_codec_that_is_not_there_is_refused_before_anybody_is_called(lab: Lab) -> None:
    server = await lab.server(audio={"codecs": ["PCMU", "PCMA"]})
    phone = await lab.phone("bob")
    for place in (
        server.place("sip:bob@bob", codecs=["PCMU", "GSN"]),
        server.dial("sip:bob@bob", codecs=["PCMU", "GSN"]),
        server.fork("sip:bob@bob", codecs=["PCMU", "GSN"]),
    ):
        with pytest.raises(ValueError, match="each of codecs has to be one of PCMU, PCMA, not 'GSN'"):
            await place
    with pytest.raises(TypeError, match="codecs has to be a list"):
        await server.place("sip:bob@bob", codecs="PCMU")
    assert (server.calls, phone.server.calls) == ({}, {})


async def test_names_are_taken_in_either_case(lab: Lab) -> None:
    server = await lab.server(audio={"codecs": ["PCMU", "PCMA"]})
    bob = await lab.phone("bob")
    await server.place("sip:bob@bob", codecs=["pcma"])
    assert (await bob.ringing()).codecs == ("PCMA",)


async def test_who_is_called_or_preferred_in_a_codec_that_is_not_there_goes_on_with_the_call(
    lab: Lab,
) -> None:
    told: list[str] = []

    async def main(call: Call) -> None:
        with pytest.raises(ValueError, match=r"each of codecs has to be one of opus, .*, not 'GSN'"):
            await call.bridge("sip:bob@bob", codecs=["GSN"])
        with pytest.raises(ValueError, match=r"each of codecs: a codec is wanted .*'GSN'") as raised:
            await call.prefer(["PCMA", "GSN"])
        told.append(str(raised.value))
        # One that is there, though not for this call, is passed over.
        await call.prefer(["L16", "PCMA"])
        await call.answer()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    call = await alice.server.place(
        "sip:mine@sems", destination=lab.resolve("sems"), from_uri=alice.uri, codecs=["PCMU", "PCMA"]
    )
    await call.wait_answered()
    assert call.codec == "PCMA"
    assert told
    await asyncio.sleep(1)
