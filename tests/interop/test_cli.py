"""The command as people type it."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from pathlib import Path

from peers import sipp
from peers.ports import free_port
from peers.sems_server import SemsServer
from peers.tones import hears, read_wav, tail, tone_level


async def sems(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and all that `sems` said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sems", *arguments),
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"} | (env or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_two_calls_from_the_command_line_hear_each_other_and_get_a_page_each(tmp_path: Path) -> None:
    phone = free_port(span=2)
    async with SemsServer(tmp_path) as server:

        async def call(name: str, hz: int, seconds: int, sip_port: int = 0) -> str:
            code, said = await sems(
                *("call", server.uri("standup"), "--name", name, "--tone", str(hz)),
                *("--duration", str(seconds), "--record", f"{name}.wav", "--sip-port", str(sip_port)),
                cwd=tmp_path,
            )
            assert code == 0, said
            assert "error" not in said
            assert f"recorded {name}.wav" in said
            return said

        async def intrude() -> str:
            code, said = await sems("call", f"sip:standup@127.0.0.1:{phone}", cwd=tmp_path)
            assert code != 0
            return said

        # He speaks before she comes, and is there until she and the stranger are gone.
        ben_calls = asyncio.create_task(call("Ben", 700, 90, phone))
        await server.logged(rf"call call=.*:{phone}$")
        anna, stranger = await asyncio.gather(call("Anna", 440, 4), intrude())
    # The server stops and hangs up.
    ben = await ben_calls
    assert "the other side hung up" in ben
    # A phone takes no calls, but texts, of which the first is the link.
    assert "480" in stranger
    assert re.search(r"text +.*http://127\.0\.0\.1:\d+/c/", anna)
    pages = [re.search(r"page +(http://127\.0\.0\.1:\d+/c/\S+)", said) for said in (anna, ben)]
    assert pages[0]
    assert pages[1]
    assert pages[0][1] != pages[1][1]
    heard = tail(read_wav(tmp_path / "Anna.wav"), 2.5)[:12000]
    assert hears(heard, 700)
    assert tone_level(heard, 440) < -50


async def test_open_gives_the_page_to_the_browser(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > "$(dirname "$0")/opened"\n')
    browser.chmod(0o755)
    async with SemsServer(tmp_path) as server:
        code, said = await sems(
            *("call", server.uri("standup"), "--open", "--duration", "1"),
            cwd=tmp_path,
            env={"BROWSER": f"{browser} %s"},
        )
    assert code == 0, said
    assert (tmp_path / "opened").read_text().strip() in said


async def test_a_call_that_is_refused_says_why(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:
        code, said = await sems("call", f"sip:127.0.0.1:{server.sip_port}", cwd=tmp_path)
    assert code == 1
    assert "the call failed: rejected 4" in said


async def test_a_call_is_none_of_the_business_of_packages_for_servers(tmp_path: Path) -> None:
    info = tmp_path / "customers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: customers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sems.components]\naccounts = no_such_module:Customers\n")
    async with SemsServer(tmp_path) as server:
        paths = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        code, said = await sems(
            *("call", server.uri("echo"), "--duration", "0.2"), cwd=tmp_path, env={"PYTHONPATH": paths}
        )
    assert code == 0, said
    assert "customers" not in said


async def test_a_call_over_tls_trusts_whom_it_is_told_to(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:
        uri = server.uri("echo", "tls")
        code, said = await sems("call", uri, "--duration", "0.5", cwd=tmp_path)
        assert code == 1
        assert re.search(r"^sems: the call failed: no TLS connection to \S+ at .*UnknownIssuer", said, re.M)
        assert "a part of the engine failed" not in said
        for trust in (("--ca", str(server.certificate)), ("--insecure",)):
            code, said = await sems("call", uri, *trust, "--duration", "0.5", cwd=tmp_path)
            assert code == 0, said


async def test_a_call_shows_who_it_is(tmp_path: Path) -> None:
    config = '[auth]\nchallenge = ["INVITE"]\n[[auth.users]]\nname = "anna"\npassword = "hidden"\n'
    secret = {"SEMS_CALL_PASSWORD": "hidden"}
    async with SemsServer(tmp_path, config=config) as server:
        call = ("call", server.uri("echo"), "--duration", "0.5")
        code, said = await sems(*call, cwd=tmp_path)
        assert (code, "401 " in said) == (1, True), said
        code, said = await sems(*call, "--username", "anna", "--password", "hidden", cwd=tmp_path)
        assert code == 0, said
        code, said = await sems(*call, "--username", "anna", cwd=tmp_path, env=secret)
        assert code == 0, said
        assert "hidden" not in said
        code, said = await sems(*call, "--username", "anna", cwd=tmp_path)
        assert (code, "--username needs a --password" in said) == (2, True), said
    code, said = await sems("call", "--help", cwd=tmp_path, env=secret)
    assert "SEMS_CALL_PASSWORD" in said
    assert "hidden" not in said


async def test_a_script_that_is_edited_takes_the_next_call_as_it_is_now(tmp_path: Path) -> None:
    def edited(what: str) -> str:
        return (
            "from words import polite\nfrom sems import App, Call\napp = App()\n"
            "@app.call\nasync def main(call: Call) -> None:\n"
            f'    await call.answer()\n    call.log.info("{what} code answers")\n'
            "    await call.wait_ended()\n"
        )

    script = tmp_path / "hello.py"
    script.write_text(edited("the old"))
    words = tmp_path / "words" / "polite.py"
    words.parent.mkdir()
    words.touch()
    async with SemsServer(tmp_path, "--reload", str(script)) as server:
        await server.logged("edits of these are taken up")
        await sipp.run("plain", server.sip_port, "hello", tmp_path)
        await server.logged("the old code answers")
        script.write_text(edited("the new"))
        await server.logged("the next call runs the new code")
        await sipp.run("plain", server.sip_port, "hello", tmp_path)
        await server.logged("the new code answers")
        words.write_text("print('the new words')")
        await server.logged("the new words")
        script.write_text(edited("broken").replace("= App()", "= = App()"))
        await server.logged(r"the old code goes on.*line 3: SyntaxError")
        await sipp.run("plain", server.sip_port, "hello", tmp_path)
        await server.logged("the new code answers", times=2)
    code, said = await sems("run", "--reload", cwd=tmp_path)
    assert code == 2
    assert "it needs a script to follow" in said


async def test_reload_reaches_the_server_of_a_data_folder(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:
        code, said = await sems("reload", "--data", str(tmp_path / "data"), cwd=tmp_path)
        assert code == 0, said
        await server.logged("certificates read again")
    code, said = await sems("reload", "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert code == 1
    assert said.startswith("sems: no server runs with the data folder")


async def test_config_says_where_each_value_came_from(tmp_path: Path) -> None:
    (tmp_path / "sems.toml").write_text('http_port = 9090\n\n[operator]\ntoken = "a long secret"\n')
    code, said = await sems(
        "config", "--sip-port", "5070", cwd=tmp_path, env={"SEMS_RTP_PORTS": "30000-30099"}
    )
    assert code == 0
    assert re.search(r"^sip_port = 5070 +# --sip-port$", said, re.MULTILINE)
    assert re.search(r'^rtp_ports = "30000-30099" +# SEMS_RTP_PORTS$', said, re.MULTILINE)
    assert re.search(r"^http_port = 9090 +# sems.toml:1$", said, re.MULTILINE)
    assert re.search(r'^host = "0.0.0.0" +# default$', said, re.MULTILINE)
    assert "a long secret" not in said


async def test_what_stands_in_the_way_of_a_start_is_one_clear_line(tmp_path: Path) -> None:
    async def fails(*arguments: str) -> str:
        code, said = await sems("run", "--host", "127.0.0.1", *arguments, cwd=tmp_path)
        assert code in (1, 2)
        assert "Traceback" not in said
        return said.strip()

    sip, http = free_port(span=2), free_port()
    free = ("--sip-port", str(sip), "--http-port", str(http), "--data", str(tmp_path / "data"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in await fails(*free, "--sip-port", str(port))
    (tmp_path / "file").touch()
    said = await fails(*free, "--data", str(tmp_path / "file"))
    assert f"the data folder {tmp_path / 'file'} can't be written" in said
    assert "nowhere.py" in await fails(*free, "nowhere.py")
    assert "nowhere.toml" in await fails(*free, "--config", "nowhere.toml")
    (tmp_path / "wrong.toml").write_text("\n[rooms.default]\nmax_membres = 3\n")
    said = await fails(*free, "--config", "wrong.toml")
    assert said == 'sems: wrong.toml:3: rooms.default.max_membres: unknown key (did you mean "max_members"?)'


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with SemsServer(tmp_path / "one") as one, SemsServer(tmp_path / "two") as two:
        for server in (one, two):
            code, said = await sems("call", server.uri("echo"), "--duration", "0.5", cwd=tmp_path)
            assert code == 0, said
