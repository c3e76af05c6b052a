"""The conference as SIP sees it: a focus (RFC 4579) that can be subscribed to (RFC 4575)."""

from __future__ import annotations

import asyncio
import itertools
from xml.etree.ElementTree import Element

import pytest

from peers import conference_info
from peers.conference_info import NAMES
from sems import CallFailed, Notification, Notifications
from sems.conference import Admit, Dial, Lock, Mute, Remove, SetWaitingRoom
from sems.conference.roster import CONTENT_TYPE
from sems.conference.settings import SetMaxMembers
from sems.testing import Lab, Phone

from .rooms import ROOM, meeting, standup


async def test_a_room_answers_as_a_focus_with_its_own_address(lab: Lab) -> None:
    server = await lab.server()
    anna = await lab.phone("anna")
    await anna.call(ROOM)
    address = server.engine.core.sip_addresses()[0]
    assert anna.headers["Contact"] == f"<sip:standup@{address}>;isfocus"


async def test_what_is_no_room_is_no_focus(lab: Lab) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    await anna.call("sip:echo@sems")
    assert anna.headers["Contact"].endswith(">")


async def test_a_call_that_is_placed_for_a_room_says_so_in_its_invite(lab: Lab) -> None:
    server = await lab.server()
    anna = await lab.phone("anna")
    await server.place(anna.uri, focus=True)
    assert (await anna.ringing()).headers["Contact"].endswith(">;isfocus")


async def subscribe(
    lab: Lab, phone: Phone, uri: str = ROOM, *, from_uri: str | None = None, expires: int = 600
) -> Notifications:
    return await phone.server.subscribe(
        uri,
        "conference",
        destination=lab.resolve("sems"),
        from_uri=phone.uri if from_uri is None else from_uri,
        expires=expires,
    )


def read(notification: Notification) -> Element:
    assert (notification.state, notification.content_type) == ("active", CONTENT_TYPE)
    return conference_info.read(notification.body)


def names(document: Element) -> list[str]:
    return [each.text or "" for each in document.findall("users/user/display-text", NAMES)]


def text(document: Element, path: str) -> str | None:
    return document.findtext(path, None, NAMES)


async def test_a_member_who_subscribes_is_told_everything_and_gets_his_page(lab: Lab) -> None:
    _, (anna, _) = await meeting(lab, "anna", "ben", rooms={"default": {"max_members": 9}})
    notifications = await subscribe(lab, anna)
    document = read(await anext(notifications))
    assert document.attrib == {"entity": ROOM, "state": "full", "version": "1"}
    assert text(document, "conference-description/display-text") == "standup"
    assert text(document, "conference-description/conf-uris/entry/uri") == ROOM
    assert text(document, "conference-description/service-uris/entry/uri") == anna.link
    assert text(document, "conference-description/service-uris/entry/purpose") == "web-page"
    assert text(document, "conference-description/maximum-user-count") == "9"
    assert text(document, "conference-state/user-count") == "2"
    assert text(document, "conference-state/locked") == "false"
    users = document.findall("users/user", NAMES)
    assert [user.get("entity") for user in users] == [anna.uri, f"sip:ben@{lab.resolve('ben')}"]
    assert [text(user, "roles/entry") for user in users] == ["moderator", "participant"]
    for user in users:
        (endpoint,) = user.findall("endpoint", NAMES)
        assert text(endpoint, "status") == "connected"
        assert text(endpoint, "joining-method") == "dialed-in"
        assert (text(endpoint, "media/type"), text(endpoint, "media/status")) == ("audio", "sendrecv")


async def test_what_changes_is_told_as_a_part_with_the_next_number(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, anna)
    await anext(notifications)

    standup(server).do(Mute(2), by=1)
    document = read(await anext(notifications))
    assert (document.get("state"), document.get("version")) == ("partial", "2")
    assert document.find("conference-description", NAMES) is None
    assert document.find("conference-state", NAMES) is None
    assert names(document) == ["ben"]
    assert text(document, "users/user/endpoint/status") == "muted-via-focus"
    assert text(document, "users/user/endpoint/media/status") == "recvonly"

    standup(server).do(Lock(), by=1)
    document = read(await anext(notifications))
    assert text(document, "conference-state/locked") == "true"
    assert document.find("users", NAMES) is None

    await ben.hang_up()
    document = read(await anext(notifications))
    (gone,) = document.findall("users/user", NAMES)
    assert gone.attrib == {"entity": f"sip:ben@{lab.resolve('ben')}", "state": "deleted"}
    assert text(document, "conference-state/user-count") == "1"
    assert document.get("version") == "4"


async def test_many_changes_are_told_at_most_once_a_second(lab: Lab) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, anna)
    await anext(notifications)
    loop = asyncio.get_running_loop()
    told: list[tuple[float, str | None]] = []

    async def follow() -> None:
        async for notification in notifications:
            document = read(notification)
            told.append((loop.time(), text(document, "conference-description/maximum-user-count")))

    following = asyncio.create_task(follow())
    for number in range(50):
        standup(server).do(SetMaxMembers(10 + number), by=1)
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    following.cancel()
    times = [at for at, _ in told]
    assert 5 <= len(times) <= 7
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.98
    assert told[-1][1] == "59"


async def test_what_does_not_concern_the_document_is_not_told(lab: Lab) -> None:
    _, (anna, ben) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, anna)
    await anext(notifications)
    ben.tone(440)
    await ben.key("*9")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await anext(notifications)


async def test_a_refresh_is_answered_with_everything_under_a_new_number(lab: Lab) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, anna)
    await anext(notifications)
    standup(server).do(Mute(2), by=1)
    await anext(notifications)
    document = read(await anext(notifications))
    assert asyncio.get_running_loop().time() > 300
    assert (document.get("state"), document.get("version")) == ("full", "3")
    assert names(document) == ["anna", "ben"]


async def test_the_link_is_told_to_nobody_but_its_member(lab: Lab) -> None:
    _, (anna, ben) = await meeting(lab, "anna", "ben", trusted=["10.0.0.0/8"])
    assert anna.link is not None
    assert ben.link is not None
    proxy = await lab.phone("proxy")
    bodies = {
        phone.name: (await anext(await subscribe(lab, phone))).body.decode() for phone in (anna, ben, proxy)
    }
    shown = {
        name: (anna.link in body, ben.link in body, "service-uris" in body) for name, body in bodies.items()
    }
    assert shown == {
        "anna": (True, False, True),
        "ben": (False, True, True),
        "proxy": (False, False, False),
    }


async def test_who_is_not_in_the_room_is_told_nothing(lab: Lab) -> None:
    await meeting(lab, "anna")
    zoe = await lab.phone("zoe")
    for uri, sender in ((ROOM, zoe.uri), (ROOM, "sip:anna@10.0.0.2"), ("sip:nowhere@sems", zoe.uri)):
        with pytest.raises(CallFailed, match="403"):
            await subscribe(lab, zoe, uri, from_uri=sender)


async def test_a_trusted_neighbour_hears_that_there_is_no_such_conference(lab: Lab) -> None:
    await lab.server(trusted=["10.0.0.0/8"])
    proxy = await lab.phone("proxy")
    (last,) = [told async for told in await subscribe(lab, proxy, "sip:nowhere@sems")]
    assert (last.state, last.reason) == ("terminated", "noresource")


async def test_who_leaves_the_room_is_told_nothing_more(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, ben)
    await anext(notifications)
    standup(server).do(Remove(2), by=1)
    told = [notification async for notification in notifications if notification.state == "terminated"]
    assert (told[-1].body, told[-1].reason) == (b"", "rejected")
    await asyncio.sleep(40)
    assert not server.subscriptions


async def test_the_end_of_the_conference_is_told(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna", trusted=["10.0.0.0/8"])
    proxy = await lab.phone("proxy")
    notifications = await subscribe(lab, proxy)
    await anext(notifications)
    await anna.hang_up()
    (last,) = [notification async for notification in notifications]
    document = conference_info.read(last.body)
    assert (last.state, document.get("state"), document.get("version")) == ("terminated", "deleted", "2")
    await asyncio.sleep(1)
    assert not server.subscriptions


async def test_a_single_look_shows_everything(lab: Lab) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    (only,) = [told async for told in await subscribe(lab, anna, expires=0)]
    assert only.state == "terminated"
    assert names(conference_info.read(only.body)) == ["anna", "ben"]
    await asyncio.sleep(2)
    assert not server.subscriptions


async def test_who_subscribes_to_nothing_costs_nothing(lab: Lab) -> None:
    server, (anna, _) = await meeting(lab, "anna", "ben")
    model = standup(server).model
    before = len(model._events._callbacks)
    notifications = await subscribe(lab, anna)
    await anext(notifications)
    assert len(model._events._callbacks) == before + 1
    await notifications.close()
    await asyncio.sleep(2)
    assert len(model._events._callbacks) == before
    assert not server.subscriptions


async def test_a_subscriber_that_vanishes_is_forgotten(lab: Lab) -> None:
    server, (_, ben) = await meeting(lab, "anna", "ben")
    notifications = await subscribe(lab, ben)
    await anext(notifications)
    await ben.vanish()
    standup(server).do(Lock(), by=1)
    await asyncio.sleep(80)
    assert not server.subscriptions


@pytest.mark.parametrize("name", ['<b>"Anna"</b>', "Anna & Ben", "A\x07nna", "Ann\u202ea"])
async def test_any_name_makes_a_document_that_can_be_read(lab: Lab, name: str) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    call = await anna.server.place(ROOM, destination=lab.resolve("sems"), from_name=name, from_uri=anna.uri)
    await call.wait_answered()
    document = read(await anext(await subscribe(lab, anna)))
    assert names(document) == [name.replace("\x07", " ").replace("\u202e", "")]


async def test_one_person_with_two_phones_is_one_user_with_two_endpoints(lab: Lab) -> None:
    _, (anna,) = await meeting(lab, "anna")
    second = await anna.server.place(
        ROOM, destination=lab.resolve("sems"), from_name="anna", from_uri=anna.uri
    )
    await second.wait_answered()
    document = read(await anext(await subscribe(lab, anna)))
    (user,) = document.findall("users/user", NAMES)
    endpoints = user.findall("endpoint", NAMES)
    assert len({endpoint.get("entity") for endpoint in endpoints}) == 2
    assert text(document, "conference-state/user-count") == "2"


async def test_who_wants_to_be_unknown_has_no_address_in_it(lab: Lab) -> None:
    _, (anna,) = await meeting(lab, "anna")
    ben = await lab.phone("ben")
    call = await ben.server.place(ROOM, destination=lab.resolve("sems"), privacy=["id"])
    await call.wait_answered()
    document = read(await anext(await subscribe(lab, anna)))
    entities = [user.get("entity") for user in document.findall("users/user", NAMES)]
    assert entities == [anna.uri, "sip:anonymous2@anonymous.invalid"]


async def test_somebody_who_is_called_is_shown_on_his_way(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna", dialout={"allow": [".*"]}, trusted=["10.0.0.0/8"])
    notifications = await subscribe(lab, anna)
    await anext(notifications)
    ben = await lab.phone("ben")
    standup(server).do(Dial(ben.uri, "Ben"), by=1)
    document = read(await anext(notifications))
    assert text(document, "users/user/display-text") == "Ben"
    assert text(document, "users/user/endpoint/status") == "dialing-out"
    call = await ben.ringing()
    assert text(read(await anext(notifications)), "users/user/endpoint/status") == "alerting"
    await call.answer()
    document = read(await anext(notifications))
    came, gone = document.findall("users/user", NAMES)
    assert (came.get("entity"), gone.get("state")) == (ben.uri, "deleted")
    assert text(came, "endpoint/joining-method") == "dialed-out"


async def test_who_waits_to_be_let_in_is_shown_as_pending_and_is_not_counted(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    standup(server).do(SetWaitingRoom(True), by=1)
    told = await subscribe(lab, anna)
    assert names(read(await anext(told))) == ["anna"]
    ben = await lab.phone("ben")
    await ben.call(ROOM)
    document = read(await anext(told))
    assert names(document) == ["ben"]
    assert text(document, "users/user/endpoint/status") == "pending"
    assert text(document, "conference-state/user-count") in (None, "1")
    standup(server).do(Admit(2), by=1)
    document = read(await anext(told))
    assert text(document, "users/user/endpoint/status") == "connected"
    assert text(document, "conference-state/user-count") == "2"
