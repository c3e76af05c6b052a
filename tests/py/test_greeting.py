"""What the command says: whom to dial, above all the scripts it was started with, and why nobody answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sems import EndReason, SemsError
from sems.cli.phone import report
from sems.cli.run import greet
from sems.testing import Lab

SCRIPT = """
from sems import App, Call

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
"""


async def test_the_scripts_come_first_as_they_are_dialled(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = [tmp_path / "hello.py", tmp_path / "my own.py"]
    for script in scripts:
        script.write_text(SCRIPT)
    server = await lab.server(scripts=scripts)
    greet(server, scripts)
    said = capsys.readouterr().out
    at = server.reachable_host
    begin = said.index("  Dial     ")
    assert said[begin:].splitlines()[:4] == [
        f"  Dial     sip:hello@{at}",
        f"           sip:my%20own@{at}",
        f"           sip:standup@{at}",
        f"  Or call  sems call sip:hello@{at}   (from here)",
    ]
    greet(server, [])
    assert f"sems call sip:standup@{at}   (from here; --open shows its page)" in capsys.readouterr().out


async def test_where_nobody_listens_it_is_asked_whether_a_server_runs(lab: Lab) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    call = await anna.dial("sip:standup@10.0.0.99:5999")
    call.end = EndReason("error", 503, "the peer can't be reached")
    with pytest.raises(
        SemsError, match=r"^the call failed: error 503 the peer can't be reached; does a server listen"
    ):
        report(call, None, None)
    call.end = EndReason("rejected", 503, "Service Unavailable")
    with pytest.raises(SemsError, match=r"^the call failed: rejected 503 Service Unavailable$"):
        report(call, None, None)
    call.end = None
