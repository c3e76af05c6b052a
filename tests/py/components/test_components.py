"""Components: those that packages bring, those that are broken, and those that come with SEMS."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sems import App, Call, CallFailed, Config, NoVoice, PluginError, StartError
from sems.cli import app as command
from sems.components import AllowList, Components, SmtpMailer
from sems.config import load_config
from sems.testing import Lab

Package = Callable[..., None]

PIGEON = '''
class Pigeons:
    """Sends mail by pigeon."""
    def __init__(self, config, options):
        self.options = options
    async def send(self, mail):
        ...
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Installs a package that brings components."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def install(name: str, code: str, **entries: str) -> None:
        module = name.replace("-", "_")
        made.append(module)
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        lines = [f"{kind} = {module}:{factory}" for kind, factory in entries.items()]
        (info / "entry_points.txt").write_text("[sems.components]\n" + "\n".join(lines) + "\n")

    yield install
    for module in made:
        sys.modules.pop(module, None)


def config(tmp_path: Path, **settings: object) -> Config:
    return Config.model_validate({"data": tmp_path / "data", **settings})


def test_a_package_brings_a_component_which_is_told_its_options(tmp_path: Path, package: Package) -> None:
    package("pigeon-post", PIGEON, mailer="Pigeons")
    components = Components(config(tmp_path, components={"mailer": {"options": {"pigeons": 3}}}))
    assert type(components.mailer).__name__ == "Pigeons"
    assert components.mailer.options == {"pigeons": 3}  # type: ignore[attr-defined]
    assert components.mailer is components.mailer
    [found] = components.describe()
    assert (found.kind, found.origin, found.used) == ("mailer", "pigeon-post 1.5", True)
    assert found.summary == "Sends mail by pigeon."


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nonsense_that_is_not_there", "could not be loaded: ModuleNotFoundError: No module named"),
        ("x = 1", "could not be loaded: AttributeError: module 'broken' has no attribute 'Thing'"),
        (
            "def Thing(config, options): raise ValueError('no pigeons')",
            "can't be made: ValueError: no pigeons",
        ),
        ("class Thing:\n    def __init__(self, *_): ...", "lacks send, which every mailer has"),
    ],
)
def test_a_broken_component_is_named_and_no_other_suffers_from_it(
    tmp_path: Path, package: Package, code: str, why: str
) -> None:
    package("broken", code, mailer="Thing")
    components = Components(config(tmp_path))
    with pytest.raises(PluginError) as error:
        _ = components.mailer
    assert str(error.value).startswith(f"the mailer of broken 1.5 {why}")
    assert "\n" not in str(error.value)
    assert isinstance(components.dialout, AllowList)


def test_a_component_may_have_its_methods_from_another(tmp_path: Path, package: Package) -> None:
    package(
        "counting-post",
        PIGEON + "class Counting:\n"
        "    def __init__(self, config, options): self.mailer = Pigeons(config, options)\n"
        "    def __getattr__(self, name): return getattr(self.mailer, name)\n",
        mailer="Counting",
    )
    assert type(Components(config(tmp_path)).mailer).__name__ == "Counting"


def test_of_several_the_configuration_says_which_is_used(tmp_path: Path, package: Package) -> None:
    package("one-post", PIGEON, mailer="Pigeons")
    package("other-post", PIGEON, mailer="Pigeons")
    with pytest.raises(PluginError, match=r"several packages bring one \(one-post 1\.5, other-post 1\.5\)"):
        _ = Components(config(tmp_path)).mailer
    chosen = Components(config(tmp_path, components={"mailer": {"use": "other-post"}}))
    assert type(chosen.mailer).__module__ == "other_post"
    own = Components(config(tmp_path, components={"mailer": {"use": "sems"}}))
    assert isinstance(own.mailer, SmtpMailer)
    with pytest.raises(PluginError, match="no package of this name brings one"):
        _ = Components(config(tmp_path, components={"mailer": {"use": "third-post"}})).mailer


def test_the_command_lists_what_is_there_and_why_something_is_not(
    tmp_path: Path, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package("pigeon-post", PIGEON, mailer="Pigeons")
    package(
        "broken",
        "import nonsense_that_is_not_there",
        authentication="Thing",
        dialout="Thing",
        telepathy="Thing",
    )
    result = CliRunner().invoke(command, ["plugins"])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["components", "mailer", "Sends", "mail", "by", "pigeon."] in lines
    assert ["components", "storage", "A", "database", "and", "files", "([storage])"] in lines
    assert "authentication  DOES NOT LOAD: ModuleNotFoundError" in result.output
    assert "telepathy       DOES NOT LOAD: there is no such kind, only storage, mailer" in result.output
    assert ["pigeon-post", "1.5"] in lines
    kinds = [line[1] for line in lines if line[0] == "components"]
    assert sorted(kinds) == sorted(set(kinds)), "each is listed once"


async def test_a_package_knows_who_may_call(lab: Lab, package: Package) -> None:
    package(
        "directory",
        "from sems.config.auth import UserSettings\n"
        "class Users:\n"
        "    def __init__(self, config, options): ...\n"
        "    def users(self): return [UserSettings(name='zoe', password='secret')]\n",
        authentication="Users",
    )
    auth = {"challenge": ["INVITE"], "users_of_component": True}
    await lab.server(auth=auth, trusted=[])
    phone = await lab.phone("zoe")
    place = lab.resolve("sems")
    with pytest.raises(CallFailed, match="401"):
        await phone.server.dial(f"sip:echo@{place}", username="zoe", password="guess")
    call = await phone.server.dial(f"sip:echo@{place}", username="zoe", password="secret")
    assert call.state == "answered"
    await call.hangup()


async def test_where_nobody_knows_who_may_call_nobody_can(lab: Lab, package: Package) -> None:
    package("directory", "import nonsense_that_is_not_there", authentication="Users")
    with pytest.raises(StartError, match=r"nobody could call: the authentication of directory 1\.5"):
        await lab.server()


async def test_a_package_serves_servers_and_no_phones(lab: Lab, package: Package) -> None:
    package("directory", "import nonsense_that_is_not_there", authentication="Users")
    package(
        "customers",
        "from sems.config import AccountSettings\n"
        "class Customers:\n"
        "    def __init__(self, config, options): ...\n"
        "    def accounts(self): return [AccountSettings(name='zoe', uri='sip:zoe@phone')]\n",
        accounts="Customers",
    )
    phone = await lab.phone("zoe")
    server = await lab.server(components={"authentication": {"use": "sems"}})
    assert [account.name for account in server.accounts] == ["zoe"]
    assert len(phone.server.accounts) == 0


async def test_a_package_decides_whom_conferences_may_call(lab: Lab, package: Package) -> None:
    package(
        "policy",
        "class Policy:\n"
        "    def __init__(self, config, options): ...\n"
        "    def allows(self, address, number):\n"
        "        if address == 'sip:boom@example.com': raise ValueError('boom')\n"
        "        return address == 'sip:zoe@example.com'\n",
        dialout="Policy",
    )
    server = await lab.server(dialout={"allow": [".*"]})
    exchange = server.conferences.exchange
    assert exchange.way("zoe@example.com", "room", None).uri == "sip:zoe@example.com"
    for refused in ("ben@example.com", "boom@example.com"):
        with pytest.raises(Exception, match="can not be called from here"):
            exchange.way(refused, "room", None)


async def test_a_package_speaks_and_a_broken_one_says_why_it_can_not(lab: Lab, package: Package) -> None:
    package(
        "humming",
        "from sems import Speech\n"
        "import array, math\n"
        "class Hums:\n"
        "    def __init__(self, config, options): ...\n"
        "    async def speak(self, text, language):\n"
        "        wave = [round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(16000)]\n"
        "        return Speech(array.array('h', wave).tobytes(), 8000)\n",
        voice="Hums",
    )
    told: list[str] = []
    app = App("talker")

    @app.call
    async def talk(call: Call) -> None:
        await call.answer()
        try:
            await call.say("Hello")
        except NoVoice as error:
            told.append(str(error))

    await lab.server(apps=[app])
    phone = await lab.phone("zoe")
    await phone.call("sip:talker@sems")
    assert (await phone.hear(1.0)).has_tone(440)
    await phone.hang_up()
    package("croaking", "import nonsense_that_is_not_there", voice="Croaks")
    await lab.server(name="other", apps=[app], components={"voice": {"use": "croaking"}})
    await phone.call("sip:talker@other")
    await phone.ended()
    assert told == [
        "the voice of croaking 1.5 could not be loaded: ModuleNotFoundError: No module named"
        " 'nonsense_that_is_not_there'"
    ]


HEAP = """
import dataclasses, wave
from sems.storage import Counts, StoredMessage


@dataclasses.dataclass
class Draft:
    box: str
    caller_name: str
    caller_uri: str
    path: object


class Heap:
    \"\"\"Messages in memory.\"\"\"

    def __init__(self, config, options, send):
        self.config, self.folder = config, config.data / options["folder"]
        self.kept, self.told, self.steps = {}, [], []

    async def start(self):
        self.folder.mkdir(parents=True)
        self.steps.append("start")

    async def close(self):
        self.steps.append("close")

    def settings(self, box):
        return self.config.box(box)

    def box_of(self, user):
        return self.config.box_of(user)

    def follow(self, callback):
        self.told.append(callback)
        return lambda: self.told.remove(callback)

    async def begin(self, box, *, caller_name="", caller_uri=""):
        return Draft(box, caller_name, caller_uri, self.folder / f"{len(self.kept)}.wav")

    async def deliver(self, draft):
        with wave.open(str(draft.path)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        who = (draft.caller_name, draft.caller_uri)
        return self.keep(
            StoredMessage(draft.path.stem, draft.box, "new", *who, 0.0, seconds, draft.path)
        )

    def keep(self, message):
        self.kept[message.box, message.id] = message
        for tell in self.told:
            tell(message.box)
        return message

    async def discard(self, draft):
        draft.path.unlink(missing_ok=True)

    async def counts(self, box):
        states = [message.state for message in await self.messages(box)]
        return Counts(states.count("new"), states.count("saved"))

    async def messages(self, box, state=None):
        return [each for each in self.kept.values() if each.box == box and state in (None, each.state)]

    async def message(self, box, id):
        return self.kept.get((box, id))

    async def save(self, box, id):
        return bool(self.keep(dataclasses.replace(self.kept[box, id], state="saved")))

    async def delete(self, box, id):
        return self.kept.pop((box, id), None) is not None

    async def greeting(self, box):
        return None

    async def set_greeting(self, box, recorded): ...

    async def has_pin(self, box):
        return False

    async def check_pin(self, box, pin):
        return False

    async def set_pin(self, box, pin): ...
"""


async def test_a_package_keeps_the_messages_that_callers_leave(lab: Lab, package: Package) -> None:
    package("heap", HEAP, storage="Heap")
    server = await lab.server(
        boxes={"anna": {}},
        routes=[{"app": "voicemail", "user": "anna"}],
        components={"storage": {"options": {"folder": "heap"}}},
    )
    changed: list[str] = []
    server.mailboxes.follow(changed.append)
    phone = await lab.phone("zoe")
    await phone.call("sip:anna@sems")
    # Any key skips the greeting.
    await phone.key("1")
    await asyncio.sleep(1)
    phone.tone(440)
    await asyncio.sleep(2)
    await phone.key("#")
    await phone.ended()
    [message] = await server.mailboxes.messages("anna")
    assert (message.caller_name, message.state) == ("zoe", "new")
    assert message.path == server.config.data / "heap" / "0.wav"
    assert message.seconds == pytest.approx(2.5, abs=0.8)
    assert await server.mailboxes.save("anna", message.id)
    counts = await server.mailboxes.counts("anna")
    assert (counts.new, counts.saved, changed) == (0, 1, ["anna", "anna"])
    assert not list(server.config.data.glob("*.db*")), "nothing is kept where nobody looks for it"
    assert server.mailboxes.steps == ["start"]  # type: ignore[attr-defined]


def test_a_kind_that_is_none_is_a_wrong_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sems.toml").write_text("[components.mailer]\nuse = 'x'\n")
    assert load_config({}, environ={}).config.components["mailer"].use == "x"


CUSTOMERS = next(
    code
    for code in re.findall(
        r"^```python\n(.*?)^```",
        (Path(__file__).parents[3] / "docs" / "components.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    if "class Customers" in code
)


async def test_a_package_knows_where_we_are_registered(lab: Lab, package: Package) -> None:
    users = [{"name": name, "password": "secret"} for name in ("zoe", "ben", "own")]
    await lab.server(name="provider", registrar={"enabled": True}, auth={"users": users})
    place = lab.resolve("provider")
    package("customers", CUSTOMERS.replace("provider.example", place), accounts="Customers")
    server = await lab.server(
        components={"accounts": {"options": {"customers": {"zoe": "secret", "ben": "wrong"}}}},
        accounts=[{"name": "own", "uri": f"sip:own@{place}", "password": "secret"}],
        routes=[{"account": "zoe", "app": "echo"}],
    )
    async with asyncio.timeout(20):
        await server.accounts["zoe"].wait_registered()
        await server.accounts["own"].wait_registered()
    assert [each.name for each in server.accounts] == ["own", "zoe", "ben"]
    assert server.accounts["ben"].state == "failed"
    phone = await lab.phone("anna")
    await phone.call(server.accounts["zoe"].contact)
    (call,) = server.calls.values()
    assert (call.account, call.app_name) == ("zoe", "echo")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nonsense_that_is_not_there", r"where we are registered: the accounts of customers 1\.5"),
        (
            "class Customers:\n    def __init__(self, *_): ...\n    def accounts(self): return [1 / 0]\n",
            "where we are registered: ZeroDivisionError",
        ),
        (
            "from sems.config import AccountSettings\n"
            "class Customers:\n"
            "    def __init__(self, *_): ...\n"
            "    def accounts(self): return [AccountSettings(uri='sip:a@192.0.2.1', name='own')]\n",
            "two accounts named own",
        ),
    ],
)
async def test_where_it_is_not_known_where_we_are_registered_the_server_does_not_start(
    lab: Lab, package: Package, code: str, why: str
) -> None:
    package("customers", code, accounts="Customers")
    with pytest.raises(StartError, match=why):
        await lab.server(accounts=[{"name": "own", "uri": "sip:own@192.0.2.1"}])


def test_an_account_of_nobody_is_still_a_mistake_where_no_package_is_named(tmp_path: Path) -> None:
    routes = [{"account": "zoe", "app": "echo"}]
    with pytest.raises(ValueError, match="no account named zoe"):
        config(tmp_path, routes=routes)
    config(tmp_path, routes=routes, components={"accounts": {}}, dialout={"account": "zoe"})
