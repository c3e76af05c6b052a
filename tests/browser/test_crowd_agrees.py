"""Telephones that join, leave and press everything at random while a page is open: afterwards model, page and
mixer agree."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from peers.ports import free_port
from sems import Call, CallFailed, Config, HungUp, Prompt, Server
from sems.audio.playback import Playback
from sems.plugins import Apps
from who_hears_whom import SPOKEN, Level, View, differences, gain, levels, tone_of

from .conftest import World, row

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: People, seconds, and how often meanwhile all is compared; `make proof` takes a hundred for minutes.
PEOPLE = int(os.environ.get("SEMS_CROWD", "10"))
SECONDS = float(os.environ.get("SEMS_CROWD_SECONDS", "2"))
ROUNDS = max(1, round(SECONDS / 30))
ROOM = "crowd"
#: A connection that is kept may be closed while the next request is on its way.
ONE_EACH = httpx.Limits(max_keepalive_connections=0)
PATH = f"/api/v1/conferences/{ROOM}"
ROWS = """(rows) => rows.map((row) => ({
  id: Number(row.dataset.id),
  name: row.querySelector(".name").textContent,
  state: row.querySelector(".state").textContent,
  hand: row.querySelector(".hand")?.textContent ?? "",
  group: row.dataset.group ?? "",
}))"""


@dataclass
class Member:
    """A telephone, and what its owner does."""

    number: int
    chance: random.Random
    call: Call | None = None
    knows: Any = None
    """What he was shown last."""
    sound: Playback | None = None

    @property
    def name(self) -> str:
        return f"Guest {self.number:02}"

    @property
    def here(self) -> bool:
        return self.call is not None and self.call.end is None

    @property
    def token(self) -> str:
        assert self.call is not None
        assert self.call.peer_link is not None
        return self.call.peer_link.rpartition("/")[2]


@dataclass
class Crowd:
    """All of them."""

    server_uri: str
    phones: Server
    web: httpx.AsyncClient
    members: list[Member]
    answers: Counter[int] = field(default_factory=Counter)

    async def ask(self, member: Member, method: str, path: str, body: Any = None) -> Any:
        """What his page would ask for."""
        headers = {"Authorization": f"Bearer {member.token}"}
        answer = await self.web.request(method, PATH + path, json=body, headers=headers)
        self.answers[answer.status_code] += 1
        assert answer.status_code < 500, (method, path, body)
        return answer.json() if answer.status_code == 200 else None

    async def act(self, seconds: float) -> None:
        """Everybody does something, for so long."""
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self._live(member, until) for member in self.members))

    async def _live(self, member: Member, until: float) -> None:
        chance, now = member.chance, asyncio.get_running_loop().time
        # The first stays, for his page is open all the time.
        while now() < until:
            if not member.here:
                await self.join(member)
            elif member.number and chance.random() < 0.12:
                await self._leave(member)
            else:
                await self._press(member)
            # Together some twenty times a second.
            idle = chance.uniform(0.1, 0.1 * len(self.members))
            await asyncio.sleep(min(idle, max(0, until - now())))

    async def join(self, member: Member) -> None:
        member.knows = None
        try:
            member.call = await self.phones.dial(self.server_uri, from_name=member.name, timeout=20)
        except CallFailed as failed:
            # A machine that has too much to do says so, and he tries again.
            if failed.code != 503:
                raise
            self.answers[failed.code] += 1

    async def _leave(self, member: Member) -> None:
        assert member.call is not None
        member.knows = None
        await member.call.hangup()

    async def _press(self, member: Member) -> None:
        assert member.call is not None
        chance = member.chance
        if chance.random() < 0.1:
            try:
                await member.call.send_digits(chance.choice(["*6", "*9", "*5", "*1", "*2"]))
            except HungUp:
                return
            return
        if member.knows is None or chance.random() < 0.4:
            member.knows = await self.ask(member, "GET", "")
        if (view := member.knows) is None:
            return
        if talk := view["talk"]:
            mine = f"/talks/{talk['id']}"
            if view["me"] in talk["asked"]:
                await self.ask(member, "POST", mine + chance.choice(["/accept", "/accept", "/decline"]))
                return
            if chance.random() < 0.4:
                await self.ask(member, "DELETE", mine)
                return
        one = f"/participants/{chance.choice(view['participants'])['id']}"
        other = chance.choice(view["participants"])["id"]
        mode = "open" if chance.random() < 0.7 else chance.choice(["moderated", "lecture"])
        method, path, body = chance.choice(
            [
                ("PATCH", "/participants/me", {"muted": chance.random() < 0.5}),
                ("PATCH", "/participants/me", {"hand": chance.random() < 0.7}),
                ("PATCH", one, {"muted": chance.random() < 0.3}),
                ("PATCH", one, {"floor": chance.random() < 0.7}),
                ("PATCH", one, {"gain": round(chance.uniform(-3, 3), 1)}),
                ("PATCH", one, {"volume": chance.choice([None, round(chance.uniform(-3, 3), 1)])}),
                ("PATCH", one, {"side_room": chance.choice(["Blue", "Red", None, None])}),
                ("PATCH", one, {"role": chance.choice(["moderator", "moderator", "speaker"])}),
                ("POST", "/talks", {"with": [other], "room": chance.choice(["soft", "off"])}),
                ("POST", "/talks", {"with": [other], "kind": "coach"}),
                ("POST", "/talk", None),
                ("POST", "/messages", {"text": f"{member.name} was here"}),
                ("PATCH", "", {"mode": mode}),
                ("DELETE", one, None) if other != 1 and chance.random() < 0.2 else ("GET", one, None),
            ]
        )  # fmt: skip
        if (method, path) != ("DELETE", "/participants/1"):
            await self.ask(member, method, path, body)

    # standing still

    def speak(self) -> list[Member]:
        """Everybody who is here says his tone."""
        here = [member for member in self.members if member.here]
        for member in here:
            assert member.call is not None
            tone = Prompt.tone(f"sine:{tone_of(member.number)}:1000:{SPOKEN}")
            member.sound = member.call.start_play(tone, repeat=0)
        return here

    def fall_silent(self) -> None:
        for member in self.members:
            if member.sound is not None:
                member.sound.cancel()
                member.sound = None

    async def views(self, here: list[Member]) -> dict[int, View] | None:
        """What each is shown, by id; None: somebody whose call goes on is not in the conference."""
        shown = await asyncio.gather(*(self.ask(member, "GET", "") for member in here))
        return None if None in shown else {view["me"]: view for view in shown}

    async def hear(self, here: list[Member], seconds: float) -> list[list[Level]]:
        """How loud each tone is for each."""
        tones = [tone_of(member.number) for member in self.members]
        taps = [member.call.tap("in") for member in here if member.call is not None]
        for tap in taps:
            tap.read()
        await asyncio.sleep(seconds)
        came = [tap.read() for tap in taps]
        return await asyncio.to_thread(lambda: [levels(each, tones) for each in came])


def rows(view: View) -> list[dict[str, Any]]:
    """What the page of its reader is to show in the list, by what the API says."""
    people = view["participants"]
    place = next(each["side_room"] for each in people if each["id"] == view["me"])
    rooms = sorted(
        {each["side_room"] for each in people} | {place}, key=lambda name: (name != place, name or "")
    )
    hands = {id: at for at, id in enumerate(view["hands"], start=1)}
    shown = []
    for room in rooms:
        there = [each for each in people if each["side_room"] == room]
        for number, each in enumerate(there):
            own = each["id"] == view["me"]
            line = each["line"] or {"silent": False, "deaf": False, "loss": 0}
            lost = line["loss"] and not line["silent"]
            says = [
                "you" if own else "",
                "speaking" if each["speaking"] else "",
                "muted" if each["muted"] else "",
                "can't be heard" if line["silent"] else "",
                "hears nothing" if line["deaf"] else "",
                f"bad line: loses {line['loss']} %" if lost else "",
                "on hold" if each["on_hold"] else "",
                "in a private talk" if each["private"] else "",
                f"in {room}" if room else "",
                "has the floor"
                if each["id"] in view["floor"] and view["settings"]["mode"] == "moderated"
                else "",
                {"moderator": "moderator", "listener": "listens"}.get(each["role"], ""),
                "" if own else "phone",
            ]
            grouped = len(rooms) > 1 or place is not None
            shown.append(
                {
                    "id": each["id"],
                    "name": each["name"],
                    "state": " · ".join(filter(None, says)),
                    "hand": f"hand {hands[each['id']]}" if each["id"] in hands else "",
                    "group": f"{room or 'Main room'} · {len(there)}" if grouped and not number else "",
                }
            )
    return shown


async def agree(crowd: Crowd, page: Page, seen: Counter[str]) -> None:
    """Waits until nothing changes any more, and compares."""
    here = crowd.speak()
    await asyncio.sleep(0.5)
    wrong = ["it never stands still"]
    for _ in range(10):
        await asyncio.sleep(0.5)
        here = [member for member in here if member.here]
        before = await crowd.views(here)
        if before is None:
            # The call of one who was just removed stands for a moment (undo_time).
            wrong = ["somebody whose call goes on is not in the conference"]
            continue
        (heard, listed) = await asyncio.gather(
            crowd.hear(here, 1.0), page.locator("#participants > li").evaluate_all(ROWS)
        )
        after = await crowd.views(here)
        assert after is not None, "somebody who was in the conference is no more, though his call goes on"
        if {view["sequence"] for view in (*before.values(), *after.values())} != {before[1]["sequence"]}:
            continue
        assert sorted(after) == sorted(each["id"] for each in after[1]["participants"])
        numbers = dict(zip(after, (member.number for member in here), strict=True))
        wrong = differences(after, dict(zip(after, heard, strict=True)), numbers)
        expected = rows(after[1])
        wrong += [
            f"the page shows {is_}, not {was}"
            for is_, was in zip(listed, expected, strict=False)
            if is_ != was
        ]
        if len(listed) != len(expected):
            wrong.append(f"the page shows {len(listed)} of {len(expected)}")
        if not wrong:
            break
    crowd.fall_silent()
    assert not wrong, f"{len(wrong)} of {len(here) ** 2}: " + "; ".join(wrong[:20])
    pairs = [gain(one, other) is not None for one in after.values() for other in after.values()]
    seen.update({"pairs": len(pairs), "heard": sum(pairs)})
    seen.update(each["side_room"] or "main room" for each in after[1]["participants"])
    seen.update(f"{view['talk']['kind']} {view['talk']['state']}" for view in after.values() if view["talk"])
    seen.update("volume" for view in after.values() if view["volumes"])


@pytest.mark.timeout(1800)
async def test_after_everybody_has_done_anything_model_page_and_mixer_agree(
    world: World, tmp_path: Path
) -> None:
    low = free_port(span=2 * PEOPLE + 20)
    settings = {
        "host": "127.0.0.1",
        "sip_port": 0,
        "rtp_ports": (low, low + 2 * PEOPLE + 19),
        "rtp_timeout": 0,
        # Who hears dozens of tones at once is to hear each as loud as it is mixed: Opus has no bits for that.
        "audio": {"codecs": ["PCMA"]},
        "data": tmp_path / "phones",
    }
    seen = Counter[str]()
    async with (
        Server(Config.model_validate(settings), apps=Apps(), web=False) as phones,
        httpx.AsyncClient(base_url=world.server.url(""), timeout=60, limits=ONE_EACH) as web,
    ):
        members = [Member(number, random.Random(number)) for number in range(PEOPLE)]
        crowd = Crowd(world.server.uri(ROOM), phones, web, members)
        await crowd.join(members[0])
        assert members[0].call is not None
        assert members[0].call.peer_link is not None
        page = await world.open(members[0].call.peer_link)
        await row(page, members[0].name).wait_for()
        for _ in range(ROUNDS):
            await crowd.act(SECONDS / ROUNDS)
            await agree(crowd, page, seen)
        await asyncio.gather(*(member.call.hangup() for member in members if member.call and member.here))
    print(dict(seen), dict(crowd.answers))
    assert 0 < seen["heard"] < seen["pairs"]
    assert crowd.answers[200] > crowd.answers.total() / 2, crowd.answers
