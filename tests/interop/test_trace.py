"""A call of SIPp's that fails is explained afterwards."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_cli import sems

from peers import sipp
from peers.sems_server import SemsServer


async def test_a_refused_call_is_explained_and_exported(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:
        await sipp.run("unsupported_codec", server.sip_port, "echo", tmp_path)
        # The server of this data folder is found, with its token.
        where = ("--data", str(tmp_path / "data"))
        code, listed = await sems("trace", *where, cwd=tmp_path)
        assert code == 0, listed
        assert "INVITE" in listed
        assert "sip:echo@127.0.0.1" in listed
        assert "answered 488 without a call" in listed
        (call_id,) = re.findall(r"^ +(\S+@\S+)$", listed, re.MULTILINE)

        code, shown = await sems("trace", call_id, *where, cwd=tmp_path)
        assert code == 0, shown
        for line in (
            " INVITE + SDP -",
            " 100 Trying (INVITE) -",
            " 488 Not Acceptable Here (INVITE) -",
            " ACK -",
        ):
            assert line in shown

        code, said = await sems(
            *("trace", call_id, "--pcap", "call.pcap", "--save", "call.txt", "--replay", "call.json", *where),
            cwd=tmp_path,
        )
        assert (code, said) == (0, "")
        assert (tmp_path / "call.txt").read_text() == shown

        code, said = await sems("trace", "nobody@nowhere", *where, cwd=tmp_path)
        assert code == 1
        assert "nothing is remembered of call nobody@nowhere" in said.lower()
        code, said = await sems("trace", *where, "--token", "a-wrong-one", cwd=tmp_path)
        assert code == 1
        assert "does not take this token" in said
    code, said = await sems("trace", *where, "--url", server.url(""), "--token", "x" * 9, cwd=tmp_path)
    assert code == 1
    assert "can't be asked" in said
    code, said = await sems("trace", "--data", str(tmp_path / "nowhere"), cwd=tmp_path / "data")
    assert code == 1
    assert "no server of this data folder runs here" in said
    code, said = await sems("replay", "call.json", cwd=tmp_path)
    assert code == 0, said
    assert said.endswith("As recorded.\n")
    other = (tmp_path / "call.json").read_text().replace("488 Not Acceptable Here", "606 Not Acceptable")
    (tmp_path / "other.json").write_text(other)
    code, said = await sems("replay", "other.json", cwd=tmp_path)
    assert code == 1
    assert "diverges: at 0.0" in said
    code, said = await sems("replay", "call.pcap", cwd=tmp_path)
    assert (code, said[:22]) == (1, "sems: call.pcap can't ")
    shown = capture_read(tmp_path / "call.pcap")
    # Of each message: more than these four where a busy machine had one sent again.
    assert shown.count("udp sum ok") == shown.count(" > 127.0.0.1.") >= 4
    assert "SIP/2.0 488 Not Acceptable Here" in shown


def capture_read(path: Path) -> str:
    """What tcpdump, which checks lengths and sums, makes of a capture."""
    program = shutil.which("tcpdump")
    assert program, "tcpdump is not installed: run the tests by `make test`"
    command = [program, "-nn", "-vv", "-A", "-r", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    # Not the bare word: a tag is hex, and may spell it.
    assert not re.search(r"\[bad |bad cksum|bad length|truncated|invalid", shown), shown
    return shown


@pytest.mark.parametrize(("scenario", "user"), [("hold", "echo"), ("cancel", "ring"), ("late_offer", "echo")])
async def test_a_call_of_a_real_peer_goes_the_same_way_again(
    tmp_path: Path, scenario: str, user: str
) -> None:
    async with SemsServer(tmp_path) as server:
        await sipp.run(scenario, server.sip_port, user, tmp_path)
        (call,) = (await server.operator("/traces"))["calls"]
        where = ("--data", str(tmp_path / "data"))
        code, said = await sems("trace", call["call_id"], "--replay", "call.json", *where, cwd=tmp_path)
        assert code == 0, said
    code, said = await sems("replay", "call.json", cwd=tmp_path)
    assert code == 0, said


KEYS = """
from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    while (digit := await call.digit(timeout=None)) is not None:
        print("a key:", digit, flush=True)
"""
GATE = """
[auth]
challenge = ["INVITE"]
realm = "sems.example"
algorithms = ["MD5"]
users = [{name = "ann", password = "never-told"}]
"""


async def test_a_challenged_call_over_tcp_with_its_keys_goes_the_same_way_again(tmp_path: Path) -> None:
    (tmp_path / "keys.py").write_text(KEYS)
    async with SemsServer(tmp_path, str(tmp_path / "keys.py"), config=GATE) as server:
        about = f"keys@127.0.0.1:{server.sip_port}"
        await sipp.run(
            "keys_challenged", server.sip_port, "keys", tmp_path, transport="t1", options=("-auth_uri", about)
        )
        await server.logged("a key: #")
        assert re.findall("a key: (.)", server.text()) == ["7", "2", "#"]
        (call,) = (await server.operator("/traces"))["calls"]
        where = ("--data", str(tmp_path / "data"))
        code, said = await sems("trace", call["call_id"], "--replay", "call.json", *where, cwd=tmp_path)
        assert code == 0, said
    saved = json.loads((tmp_path / "call.json").read_text())
    messages = [entry["message"] for entry in saved["entries"] if entry["kind"] == "received"]
    (answer,) = re.findall(r'response="([^"]*)"', "".join(messages))
    assert answer.startswith("masked")
    assert "never-told" not in json.dumps(saved)
    # Which keys they were is not told either.
    events = [
        dict(entry["fields"])["event"]
        for entry in saved["entries"]
        if "event" in dict(entry.get("fields", ()))
    ]
    assert set(events) == {"10"}
    code, said = await sems("replay", "call.json", cwd=tmp_path)
    assert code == 0, said
    assert said.count("> a key was pressed") == 3
    assert said.endswith("As recorded.\n")
