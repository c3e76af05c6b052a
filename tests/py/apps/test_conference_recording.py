"""Recording a conference: with sound, in virtual time, read back from the files."""

from __future__ import annotations

import array
import asyncio
import wave
from collections.abc import Mapping
from pathlib import Path

import pytest
from meeting import TONES, meet, model

from sems import Server
from sems.conference import (
    Move,
    NotAllowed,
    PauseRecording,
    Readmit,
    Record,
    RecordingKind,
    RecordingState,
    Remove,
    StopRecording,
)
from sems.testing import Lab
from sems.testing.hearing import Hearing


def read(path: Path) -> Hearing:
    with wave.open(str(path)) as file:
        pcm = array.array("h")
        pcm.frombytes(file.readframes(file.getnframes()))
        return Hearing(pcm)


def recorder(server: Server) -> object:
    conference = server.conferences.find("standup")
    assert conference
    return conference.recorder


async def test_the_mix_and_every_member_lie_in_files_of_one_length(lab: Lab) -> None:
    server = await lab.server()
    anna, ben, _ = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    room.do(Record(0.0, RecordingKind.MEMBERS), by=1)
    await asyncio.sleep(3)
    ben.silence()
    await asyncio.sleep(1)
    room.do(StopRecording(), by=1)
    await asyncio.sleep(1)
    archive = server.conferences.archive
    (found,) = archive.of("standup")
    assert sorted(found.members.values()) == ["anna", "ben", "cleo"]
    mix = archive.file("standup", found.id)
    assert mix
    heard = read(mix)
    assert heard.seconds == pytest.approx(4, abs=0.3)
    assert all(heard.before(2.5).has_tone(hz) for hz in TONES.values())
    for file, name in found.members.items():
        path = archive.file("standup", found.id, file)
        assert path
        own = read(path)
        assert len(own) == len(heard)
        assert {each for each, hz in TONES.items() if own.before(2.5).has_tone(hz)} == {name}
    await anna.hang_up()


async def test_what_is_said_in_a_pause_is_left_out(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    anna.silence()
    ben.silence()
    room = model(server)
    room.do(Record(0.0), by=1)
    await asyncio.sleep(2)
    room.do(PauseRecording(), by=1)
    await asyncio.sleep(0.5)
    ben.tone(1900)
    await asyncio.sleep(3)
    ben.silence()
    await asyncio.sleep(0.5)
    room.do(Record(0.0), by=1)
    assert room.recording.state is RecordingState.RECORDING
    await asyncio.sleep(1)
    await anna.key("#4")
    await asyncio.sleep(1)
    assert room.recording.state is RecordingState.OFF
    (found,) = server.conferences.archive.of("standup")
    mix = server.conferences.archive.file("standup", found.id)
    assert mix
    assert read(mix).seconds == pytest.approx(3, abs=0.5)
    assert read(mix).tone_level(1900) < -50


async def test_a_pause_that_is_wanted_before_there_is_a_file_is_one(lab: Lab) -> None:
    server = await lab.server()
    await meet(lab, "anna", "ben")
    room = model(server)
    room.do(Record(0.0), by=1)
    room.do(PauseRecording(), by=1)
    await asyncio.sleep(3)
    assert room.recording.state is RecordingState.PAUSED
    room.do(StopRecording(), by=1)
    await asyncio.sleep(1)
    (found,) = server.conferences.archive.of("standup")
    assert found.seconds < 0.5


async def test_what_was_ended_does_not_go_on_where_the_next_recording_begins_at_once(lab: Lab) -> None:
    server = await lab.server()
    await meet(lab, "anna", "ben")
    room = model(server)
    room.do(Record(0.0), by=1)
    await asyncio.sleep(2)
    room.do(StopRecording(), Record(0.0, RecordingKind.MEMBERS), by=1)
    await asyncio.sleep(2)
    room.do(StopRecording(), by=1)
    await asyncio.sleep(1)
    found = {each.kind: each for each in server.conferences.archive.of("standup")}
    assert {kind: each.seconds for kind, each in found.items()} == {
        "mix": pytest.approx(2, abs=0.3),
        "members": pytest.approx(2, abs=0.3),
    }
    assert sorted(found["members"].members.values()) == ["anna", "ben"]


async def test_a_recording_is_finished_once_its_files_are_whole(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await lab.server()
    await meet(lab, "anna", "ben")
    room, conference = model(server), server.conferences.find("standup")
    assert conference
    room.do(Record(0.0), by=1)
    await asyncio.sleep(2)
    (id,) = conference.recorder.made

    # The last that is done before its files are closed.
    archive, finished = server.conferences.archive, list[frozenset[str]]()
    note_names = archive.name

    def name(room: str, id: str, members: Mapping[str, str]) -> None:
        assert conference
        finished.append(conference.recorder.finished)
        note_names(room, id, members)

    monkeypatch.setattr(archive, "name", name)
    room.do(StopRecording(), by=1)
    await asyncio.sleep(1)
    assert finished == [frozenset()]
    assert conference.recorder.finished == {id}


async def test_a_tone_tells_that_it_begins_and_who_comes_later_is_told(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"join_sound": False}})
    anna, ben = await meet(lab, "anna", "ben")
    anna.silence()
    ben.silence()
    await asyncio.sleep(0.5)
    assert (await ben.hear(0.5)).is_silent
    listening = asyncio.create_task(ben.hear(2))
    model(server).do(Record(0.0), by=1)
    heard = await listening
    assert heard.before(0.5).has_tone(1000), "a beep"
    assert heard.after(0.5).level > -40, "and words"
    await asyncio.sleep(1.5)
    cleo = await lab.phone("cleo")
    await cleo.call("sip:standup@sems")
    said, other = await asyncio.gather(cleo.hear(2), anna.hear(2))
    assert not said.is_silent
    assert other.is_silent
    listening = asyncio.create_task(ben.hear(2))
    model(server).do(StopRecording(), by=1)
    assert (await listening).after(0.5).level > -40, "that it has ended is said as well"


async def test_who_was_elsewhere_when_it_began_is_told_when_he_comes_back_and_only_then(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"join_sound": False}})
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    for phone in (anna, ben, cleo):
        phone.silence()
    model(server).do(Move(2, "Blue"), by=1)
    await asyncio.sleep(1)
    there = asyncio.create_task(ben.hear(3))
    model(server).do(Record(0.0), by=1)
    assert (await there).is_silent
    for told in (True, False):
        here = asyncio.create_task(anna.hear(3))
        model(server).do(Move(2, None), by=1)
        await asyncio.sleep(0.8)  # the tone of having moved
        assert ((await ben.hear(1)).level > -40) is told
        assert (await here).is_silent, "nobody else has to hear it again"
        model(server).do(Move(2, "Blue"), by=1)
        await asyncio.sleep(1)


async def test_who_was_removed_or_had_put_the_room_on_hold_when_it_began_is_told_when_he_hears_it_again(
    lab: Lab,
) -> None:
    server = await lab.server(rooms={"default": {"join_sound": False}})
    phones = await meet(lab, "anna", "ben", "cleo")
    ben = phones[1]
    for phone in phones:
        phone.silence()
    await ben.hold()
    model(server).do(Remove(3), by=1)
    await asyncio.sleep(0.5)
    model(server).do(Record(0.0), by=1)
    await asyncio.sleep(3)
    model(server).do(Readmit(3), by=1)
    await ben.hold(False)
    heard = await asyncio.gather(*(phone.hear(1.5) for phone in phones))
    assert [each.level > -40 for each in heard] == [False, True, True]
    await ben.hold()
    await ben.hold(False)
    await asyncio.sleep(2)
    assert (await ben.hear(1)).is_silent, "once is enough"


async def test_where_everything_is_recorded_the_first_hears_it_after_all_else(lab: Lab) -> None:
    await lab.server(rooms={"default": {"record": True}})
    anna = await lab.phone("anna")
    await anna.call("sip:standup@sems")
    await asyncio.sleep(2.2)
    assert (await anna.hear(1)).level > -40, "after having heard that nobody else is here"
    await asyncio.sleep(2)
    assert (await anna.hear(1)).is_silent


async def test_only_a_moderator_records(lab: Lab) -> None:
    server = await lab.server()
    await meet(lab, "anna", "ben")
    for command in (Record(0.0), PauseRecording(), StopRecording()):
        with pytest.raises(NotAllowed, match="Only a moderator can"):
            model(server).do(command, by=2)


async def test_a_room_records_from_the_beginning_where_that_is_configured(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"record": "members"}})
    anna, ben = await meet(lab, "anna", "ben")
    await anna.hang_up()
    await ben.hang_up()
    await asyncio.sleep(1)
    (found,) = server.conferences.archive.of("standup")
    assert found.kind == "members"
    assert sorted(found.members.values()) == ["anna", "ben"]
    assert found.seconds > 3


async def test_what_a_moderator_has_stopped_and_deleted_is_not_begun_again_by_who_comes_later(
    lab: Lab,
) -> None:
    server = await lab.server(rooms={"default": {"record": True}})
    await meet(lab, "anna", "ben")
    conference = server.conferences.find("standup")
    assert conference
    conference.do(StopRecording(), by=1)
    await asyncio.sleep(1)
    (id,) = conference.recorder.finished
    assert await conference.recorder.delete(id)
    await (await lab.phone("cleo")).call("sip:standup@sems")
    await asyncio.sleep(2)
    assert conference.model.recording.state is RecordingState.OFF


async def test_what_can_not_be_written_is_told_and_harms_nobody(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    server.config.data.mkdir(parents=True, exist_ok=True)
    (server.config.data / "recordings").write_text("in the way")
    room = model(server)
    room.do(Record(0.0), by=1)
    await asyncio.sleep(1)
    assert room.recording.state is RecordingState.OFF
    assert (await ben.hear(1)).has_tone(TONES["anna"])
    await anna.hang_up()
