"""Following a conference by Server-Sent Events."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack

from starlette.types import Message

from sems.conference import Lock, Mute, RaiseHand, Readmit, Remove, Unlock, Unmute
from sems.conference.model import HISTORY
from sems.control.feed import Feed
from sems.control.stream import HEARTBEAT, MOST_LINES, MOST_OPEN, PAUSE
from sems.testing import Lab

from .conftest import OPERATOR, Meeting

NOW = 0.3  # seconds, within which a change reaches every page


SETTINGS = {
    "mode": "open",
    "waiting_room": False,
    "wait_for_moderator": False,
    "quiet": False,
    "max_members": None,
    "talk_time": None,
    "has_pin": False,
    "has_moderator_pin": False,
    "language": "en",
    "dial": "moderators",
    "undo_time": 5.0,
}


async def test_who_comes_new_is_given_the_whole_and_then_each_change(meeting: Meeting) -> None:
    async with meeting.stream("ben") as stream:
        told = await stream.next()
        assert told.name == "snapshot"
        assert told.id == str(meeting.model.sequence)
        assert told.data["me"] == 2
        assert [each["name"] for each in told.data["participants"]] == ["anna", "ben", "cleo"]

        meeting.model.do(RaiseHand(3), by=3)
        told = await stream.next(timeout=NOW)
        assert told.name == "message"
        assert told.id == str(meeting.model.sequence)
        assert (told.data["type"], told.data["by"]) == ("hand_raised", 3)
        assert told.data["participant"]["hand"] == 1
        assert told.data["hands"] == [3]

        meeting.model.do(Mute(2), by=1)
        told = await stream.next(timeout=NOW)
        assert (told.data["type"], told.data["by"]) == ("muted", 1)
        assert told.data["participant"]["muted_by_moderator"]
        assert "hands" not in told.data

        meeting.model.do(Lock(), by=None)
        told = await stream.next(timeout=NOW)
        assert told.data == {
            "type": "settings_changed",
            "sequence": meeting.model.sequence,
            "settings": SETTINGS | {"locked": True},
        }


async def test_what_happens_on_a_phone_is_told_at_once(meeting: Meeting) -> None:
    async with meeting.stream("anna") as stream:
        await stream.next()
        await meeting.phones["ben"].key("*6")
        told = await stream.next(timeout=NOW)
        assert (told.data["type"], told.data["participant"]["id"]) == ("muted", 2)

        meeting.phones["cleo"].tone(440)
        told = await stream.next(timeout=NOW)
        assert told.data["type"] == "voice_changed"
        assert told.data["participant"]["speaking"]
        levels = await stream.next("levels", timeout=NOW)
        assert levels.id is None
        assert -20 < levels.data["3"] < -5

        await meeting.phones["cleo"].hang_up()
        while (told := await stream.next()).data["type"] == "voice_changed":
            pass
        assert (told.data["type"], told.data["participant"]["name"]) == ("left", "cleo")


async def test_levels_are_told_ten_times_a_second_at_most(meeting: Meeting) -> None:
    meeting.phones["cleo"].tone(440)
    loop = asyncio.get_running_loop()
    async with meeting.stream("anna") as stream:
        await stream.next("levels")
        begin = loop.time()
        for _ in range(20):
            await stream.next("levels")
        assert loop.time() - begin >= 1.9


async def test_the_figures_of_lines_are_told_when_they_change_once_a_second_at_most(meeting: Meeting) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(7)
    async with meeting.stream("anna") as stream:
        begin = loop.time()
        figures = (await stream.next("quality", timeout=NOW)).data
        assert figures.keys() == {"1", "2", "3"}
        assert figures["2"]["loss"] == 0
        assert figures["2"]["mos"] > 4
        assert loop.time() - begin < 0.1
        # Somebody new has figures; those of the others are as they were.
        dora = await meeting.lab.phone("dora")
        await dora.call("sip:standup@sems")
        figures = (await stream.next("quality", timeout=3)).data
        assert "4" in figures


async def test_who_comes_back_is_told_what_he_missed(meeting: Meeting) -> None:
    async with meeting.stream("ben") as stream:
        last = (await stream.next()).id
    meeting.model.do(Lock(), by=1)
    meeting.model.do(Unlock(), by=1)
    async with meeting.stream("ben", last=last) as stream:
        assert [(await stream.next()).data["type"] for _ in range(2)] == ["settings_changed"] * 2
    async with meeting.follow(f"/api/v1/conferences/standup/events?since={last}", "ben") as stream:
        assert [(await stream.next()).data["type"] for _ in range(2)] == ["settings_changed"] * 2


async def test_who_missed_too_much_or_knows_too_much_is_given_the_whole(meeting: Meeting) -> None:
    last = meeting.model.sequence
    for n in range(HISTORY + 1):
        meeting.model.do(Lock() if n % 2 == 0 else Unlock(), by=1)
    for known in (last, 0, meeting.model.sequence + 5):
        async with meeting.stream("ben", last=str(known)) as stream:
            assert (await stream.next()).name == "snapshot"


async def test_a_slow_reader_is_given_the_whole_instead_of_what_piled_up(meeting: Meeting) -> None:
    async with meeting.stream("ben", slow=True) as stream:
        await stream.next()
        meeting.model.do(Lock(), by=1)
        await asyncio.sleep(0.1)
        for n in range(3 * HISTORY):
            meeting.model.do(Unlock() if n % 2 == 0 else Lock(), by=1)
            if n % 100 == 0:
                await asyncio.sleep(0.01)
        assert stream._sent.qsize() == 1
        told = await stream.next()
        while told.name != "snapshot":
            told = await stream.next()
        assert told.data["sequence"] == meeting.model.sequence


async def test_that_a_muted_member_speaks_reaches_his_own_page_only(meeting: Meeting) -> None:
    meeting.model.do(Mute(2), by=2)
    async with meeting.stream("ben") as own, meeting.stream("anna") as others:
        await own.next()
        await others.next()
        meeting.phones["ben"].tone(440)
        told = await own.next()
        assert (told.data["type"], told.data["participant"]["unheard"]) == ("voice_changed", True)
        meeting.model.do(Unmute(2), by=2)
        told = await others.next(timeout=NOW)
        assert told.data["type"] == "unmuted"
        assert told.data["participant"]["speaking"]


async def test_a_page_is_told_when_its_call_ends_and_the_stream_ends_with_it(meeting: Meeting) -> None:
    async with meeting.stream("ben") as stream:
        await stream.next()
        await meeting.phones["ben"].hang_up()
        assert (await stream.next("ended")).data == {"reason": "ended"}
        await asyncio.sleep(0.1)
        assert stream.over


async def test_who_was_removed_is_told_so_and_then_nothing_of_the_room(meeting: Meeting) -> None:
    async with meeting.stream("ben") as stream:
        await stream.next()
        meeting.model.do(Remove(2), by=1)
        meeting.model.do(Lock(), by=1)
        meeting.phones["cleo"].tone(440)
        told = await stream.next(timeout=NOW)
        assert (told.data["type"], told.data["participant"]["id"]) == ("removed", 2)
        async with meeting.client("ben") as client:
            assert (await client.get("/api/v1/conferences/standup")).status_code == 404
        assert (await stream.next("message", "levels", "ended", timeout=8)).data == {"reason": "removed"}


async def test_who_is_brought_back_catches_up(meeting: Meeting) -> None:
    async with meeting.stream("ben") as stream:
        await stream.next()
        meeting.model.do(Remove(2), by=1)
        meeting.model.do(Lock(), by=1)
        assert (await stream.next()).data["type"] == "removed"
        meeting.model.do(Readmit(2), by=1)
        assert [(await stream.next()).data["type"] for _ in range(2)] == ["settings_changed", "joined"]


async def test_who_asks_anew_while_he_is_removed_sees_nothing_of_the_room_until_he_is_brought_back(
    meeting: Meeting,
) -> None:
    """His page was loaded again, or its line was gone for a moment."""
    meeting.model.do(Remove(2), by=1)
    async with meeting.client("ben") as client:
        assert (await client.head("/api/v1/conferences/standup/events")).status_code == 200
    async with meeting.stream("ben") as stream:
        told = await stream.next("snapshot", timeout=NOW)
        assert (told.data["participants"], told.data["waiting"], told.id) == ([], [], None)
        meeting.model.do(Lock(), by=1)
        meeting.model.do(Readmit(2), by=1)
        assert 2 in [each["id"] for each in (await stream.next("snapshot", "message")).data["participants"]]
        meeting.model.do(Remove(2), by=1)
        assert (await stream.next()).data["type"] == "removed"


async def test_the_operator_follows_a_room_to_its_end(meeting: Meeting) -> None:
    async with meeting.stream("operator") as stream:
        assert (await stream.next()).data["me"] is None
        for phone in meeting.phones.values():
            await phone.hang_up()
        assert (await stream.next("ended", timeout=HEARTBEAT + 1)).data == {"reason": "ended"}


async def test_a_silent_line_beats(meeting: Meeting) -> None:
    loop = asyncio.get_running_loop()
    # By then the figures of the lines are what they will be.
    await asyncio.sleep(10)
    async with meeting.stream("ben") as stream:
        await stream.next("quality")
        begin = loop.time()
        await stream.next("beat", timeout=HEARTBEAT + 1)
        await stream.next("beat", timeout=HEARTBEAT + 1)
        assert loop.time() - begin < 2 * HEARTBEAT + 0.5


async def test_streams_end_when_the_server_begins_to_stop(meeting: Meeting) -> None:
    async with meeting.stream("ben") as one, meeting.follow("/api/v1/overview/events", "operator") as two:
        await one.next()
        await two.next()
        meeting.server.stopping.set()
        await asyncio.sleep(0.05)
        assert one.over
        assert two.over


async def test_readers_who_go_leave_nothing_behind(meeting: Meeting) -> None:
    # The phones have got their links.
    await asyncio.sleep(0.1)
    before = len(asyncio.all_tasks())
    followers = len(meeting.model._events._callbacks)
    for _ in range(50):
        async with meeting.stream("ben") as stream:
            await stream.next()
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == before
    assert len(meeting.model._events._callbacks) == followers


async def test_who_waits_is_told_only_whether_somebody_is_there_who_can_let_him_in(lab: Lab) -> None:
    rooms = {"default": {"waiting_room": True, "wait_for_moderator": True}}
    server = await lab.server(operator={"token": OPERATOR}, rooms=rooms, trusted=["10.0.0.0/8"])
    anna, ben, cleo = [await lab.phone(name) for name in ("anna", "ben", "cleo")]
    for phone in (ben, cleo):
        await phone.call("sip:standup@sems", headers=[("P-App-Param", "role=speaker")])
    await asyncio.sleep(1)
    meeting = Meeting(lab, server, {"anna": anna, "ben": ben, "cleo": cleo})
    async with meeting.stream("ben") as stream:
        told = await stream.next()
        assert (told.name, told.data["moderator_here"]) == ("snapshot", False)
        await cleo.hang_up()
        await anna.call("sip:standup@sems", headers=[("P-App-Param", "role=moderator")])
        told = await stream.next()
        assert (told.name, told.data["moderator_here"]) == ("snapshot", True)
        assert [each["name"] for each in told.data["waiting"]] == ["ben"]
        assert told.data["participants"] == []


async def test_who_sends_too_much_to_a_stream_ends_it_and_leaves_nothing_behind(meeting: Meeting) -> None:
    assert meeting.server.web_app is not None
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: faults.append(found))
    path = "/api/v1/conferences/standup/events"
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"authorization", f"Bearer {meeting.token('ben')}".encode())], "root_path": "",
        "client": ("127.0.0.1", 9), "server": ("sems.test", 80), "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(70_000), "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(2):
        await meeting.server.web_app(scope, receive, send)
    assert sent[-1]["more_body"] is False
    gc.collect()
    await asyncio.sleep(0.1)
    assert not faults


async def test_who_only_asks_for_the_head_of_a_stream_follows_nothing(meeting: Meeting) -> None:
    followers = len(meeting.model._events._callbacks)
    async with meeting.client("ben") as client:
        answer = await client.head("/api/v1/conferences/standup/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    conference = meeting.server.conferences.find("standup")
    assert len(meeting.model._events._callbacks) == followers
    gc.collect()
    assert not any(isinstance(each, Feed) for each in gc.get_referrers(conference))


async def test_who_opens_ever_more_streams_has_the_oldest_ended(meeting: Meeting) -> None:
    async with AsyncExitStack() as open_streams:
        streams = [await open_streams.enter_async_context(meeting.stream("ben")) for _ in range(MOST_OPEN)]
        cleo = await open_streams.enter_async_context(meeting.stream("cleo"))
        for stream in (*streams, cleo):
            await stream.next()
        newest = await open_streams.enter_async_context(meeting.stream("ben"))
        await newest.next()
        meeting.model.do(Lock(), by=None)
        assert [stream.over for stream in (*streams, newest, cleo)] == [True] + [False] * (MOST_OPEN + 1)
        for stream in (*streams[1:], newest, cleo):
            assert (await stream.next(timeout=NOW)).data["type"] == "settings_changed"


async def test_a_browser_keeps_lines_free_and_the_windows_beyond_them_are_told_all_the_same(
    meeting: Meeting,
) -> None:
    # Six callers' pages in one browser, or more, are open side by side; the last looks at a room of its own.
    other = await meeting.lab.phone("dora")
    await other.call("sip:elsewhere@sems")
    conference = meeting.server.conferences.find("elsewhere")
    assert conference is not None
    path = "/api/v1/conferences/elsewhere/events?browser=7"
    dora = f"{path}&since={conference.model.sequence}"
    async with AsyncExitStack() as open_streams:
        lasting = [
            await open_streams.enter_async_context(
                meeting.follow("/api/v1/conferences/standup/events?browser=7", name)
            )
            for name in ("anna", "ben", "cleo", "operator")[:MOST_LINES]
        ]
        for stream in lasting:
            assert (await stream.next()).name == "snapshot"
        for _ in range(3):
            async with meeting.follow(dora, "operator") as brief:
                assert (await brief.next()).name == "again"
                assert brief.over
            await asyncio.sleep(PAUSE / 1_000)
        # Meanwhile it counts as one who follows: somebody is to be seen speaking there.
        other.tone(440)
        await asyncio.sleep(PAUSE / 1_000)
        async with meeting.follow(dora, "operator") as brief:
            assert (await brief.next("message", "again")).data["type"] == "voice_changed"
            assert (await brief.next("levels", "again")).data.keys() == {"1"}
        # Another browser has lines of its own, and a window that is closed leaves one to others.
        async with meeting.follow(dora.replace("=7", "=8", 1), "operator") as stream:
            assert not stream.over
    async with meeting.follow(dora, "operator") as stream:
        await stream.next()
        assert not stream.over
    await asyncio.sleep(3)
    gc.collect()
    assert not any(isinstance(each, Feed) for each in gc.get_referrers(conference))
