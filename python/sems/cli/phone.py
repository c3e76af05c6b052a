"""``sems call``: a phone for the command line, the newcomer's first."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from .. import events, log
from ..app import App
from ..audio.recording import Recording
from ..call import Call
from ..components import OWN_ALONE
from ..config import Config, LogSettings, Route, TlsSettings
from ..errors import HungUp, SemsError, SoundNotFound, WrongState
from ..plugins import Apps
from ..server import Server
from ..sip.requests import SipRequest
from .failure import one_clear_line

_KEYS = "0123456789*#ABCD"
# A second phone here, or a server, is not to be in the way.
_RTP_PORTS = (20_000, 29_999)


def call(
    uri: Annotated[
        str, typer.Argument(metavar="URI", help="Whom to call: sip:standup@192.0.2.7, or without sip:.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="The name that the other side sees.")
    ] = "",
    play: Annotated[
        Path | None, typer.Option("--play", metavar="FILE", help="A WAV file to say, once.")
    ] = None,
    tone: Annotated[
        int | None,
        typer.Option(
            "--tone", metavar="HZ", min=20, max=3900, help="A tone to say, for as long as the call lasts."
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Writes what is heard to a WAV file.")
    ] = None,
    keys: Annotated[
        str,
        typer.Option("--keys", metavar="KEYS", help="Keys to press once answered; a comma waits a second."),
    ] = "",
    duration: Annotated[
        float | None, typer.Option("--duration", metavar="SECONDS", min=0, help="Hangs up after that long.")
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Opens the call's control page in the browser.")
    ] = False,
    username: Annotated[
        str | None, typer.Option("--username", metavar="NAME", help="Who we are, should we be asked.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            "--password",
            metavar="TEXT",
            envvar="SEMS_CALL_PASSWORD",
            help="The password for it; in the variable others on this machine don't see it.",
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", metavar="FILE", help="A root for the certificate of a server called by TLS."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Takes any certificate of a server called by TLS.")
    ] = False,
    sip_port: Annotated[
        int, typer.Option("--sip-port", metavar="N", help="Our own UDP and TCP port; 0: any free one.")
    ] = 0,
) -> None:
    """Call somebody. Prints the link of the control page that the answer brings.

    While the call lasts, keys typed here and Enter are pressed on the phone; Ctrl-C hangs up.

      sems call sip:standup@127.0.0.1 --name Anna --tone 440 --open
      sems call "sips:standup@127.0.0.1" --insecure     (over TLS; its certificate is its own)
    """
    if any(key not in _KEYS + "," for key in keys):
        raise typer.BadParameter(f"keys are {_KEYS} and the comma", param_hint="--keys")
    if username is not None and password is None:
        raise typer.BadParameter("--username needs a --password", param_hint="--username")
    with one_clear_line():
        if play is not None and not play.is_file():
            raise SoundNotFound(f"there is no file {play}")
        tls = TlsSettings(ca=ca.absolute() if ca is not None else None, verify=not insecure)
        log.configure(LogSettings(level="error"))
        # The variable may be there for other calls.
        who = (username, password) if username is not None else (None, None)
        asyncio.run(_phone(uri, name, who, play, tone, record, keys, duration, open_page, tls, sip_port))


async def _phone(
    uri: str,
    name: str,
    who: tuple[str | None, str | None],
    play: Path | None,
    tone: int | None,
    record: Path | None,
    keys: str,
    duration: float | None,
    open_page: bool,
    tls: TlsSettings,
    sip_port: int,
) -> None:
    if ":" not in uri.partition("@")[0]:
        uri = f"sip:{uri}"
    with tempfile.TemporaryDirectory(prefix="sems-call-") as folder:
        config = Config(
            sip_port=sip_port,
            rtp_ports=_RTP_PORTS,
            data=Path(folder),
            rtp_timeout=0,
            tls=tls,
            routes=(Route(app="phone"),),
            components=dict(OWN_ALONE),
        )
        async with Server(config, apps=_texts(), web=False) as server:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            try:
                call = await server.place(uri, from_name=name, username=who[0], password=who[1])
            except ValueError as error:
                raise SemsError(str(error)) from None
            _say(f"calling {uri}")
            call.subscribe(_tell)
            recording: asyncio.Future[Recording] = loop.create_future()
            talking = asyncio.create_task(_talk(call, play, tone, record, recording, keys, open_page))
            waits = {asyncio.create_task(stop.wait()), asyncio.create_task(call.wait_ended()), talking}
            try:
                await asyncio.wait(waits - {talking}, timeout=duration, return_when=asyncio.FIRST_COMPLETED)
                if talking.done() and (failure := talking.exception()):
                    raise failure
                if record is not None and call.state == "answered":
                    with contextlib.suppress(SemsError):
                        await call.stop_record()
                await call.hangup()
                if recording.done():
                    # The file is complete a moment after the call, whoever has ended that.
                    with contextlib.suppress(SemsError):
                        await recording.result().wait()
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
            report(call, record if recording.done() else None, server.tls_failure)


def _texts() -> Apps:
    """All that this phone takes: texts, which it shows. Whoever calls it is refused."""
    app = App("phone")

    @app.message
    async def show(message: SipRequest) -> None:
        sender = message.sender.name or message.sender.uri
        # What would steer a terminal is left out.
        line = "".join(each if each.isprintable() else " " for each in f"{sender}: {message.text}")
        _say(f"text     {line}")

    apps = Apps()
    apps.add(app)
    return apps


async def _talk(
    call: Call,
    play: Path | None,
    tone: int | None,
    record: Path | None,
    recording: asyncio.Future[Recording],
    keys: str,
    open_page: bool,
) -> None:
    """What is said and pressed in the call; an error here ends the call."""
    try:
        await call.wait_answered()
        if call.peer_link:
            _say(f"page     {call.peer_link}")
            if open_page:
                webbrowser.open(call.peer_link)
        elif open_page:
            _say("the answer brought no page to open")
        if record is not None:
            recording.set_result(await call.record(record))
        if tone is not None:
            # A second at a time, a whole number of periods, joined without a gap.
            call.start_play(call.server.sounds.tone(f"sine:{tone}:1000:-20"), repeat=0)
        if play is not None:
            call.start_play(play)
        typed = asyncio.create_task(_type(call)) if sys.stdin.isatty() else None
        try:
            for key in keys:
                if key == ",":
                    await asyncio.sleep(1)
                else:
                    await call.send_digits(key)
            await call.wait_ended()
        finally:
            if typed is not None:
                typed.cancel()
    except HungUp:
        pass
    except SemsError as error:
        if call.end is None:
            _say(f"error    {error}")
            with contextlib.suppress(SemsError):
                await call.hangup()


async def _type(call: Call) -> None:
    """Keys typed on the terminal."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        pressed = "".join(key for key in line.decode(errors="replace").upper() if key in _KEYS)
        if pressed:
            with contextlib.suppress(HungUp, WrongState):
                await call.send_digits(pressed)


def _tell(event: events.CallEvent) -> None:
    match event:
        case events.Progress(code, reason):
            _say(f"{code}      {reason}")
        case events.Answered(codec):
            _say(f"answered {codec}")
        case events.Hold(on):
            _say("on hold" if on else "off hold")
        case events.Digit(digit):
            _say(f"key      {digit}")


def report(call: Call, record: Path | None, tls_failure: str | None) -> None:
    """Says how a call has ended. Raises SemsError where it failed."""
    end = call.end
    assert end is not None
    if call.answered_at is None:
        if end.cause != "local":
            # Who answers at another of its addresses has the last word.
            if tls_failure is not None and end.code in (None, 408, 503):
                raise SemsError(f"the call failed: {tls_failure} (--ca and --insecure say whom to trust)")
            hint = "; does a server listen there?" if end.cause == "error" and end.code == 503 else ""
            raise SemsError(f"the call failed: {end}{hint}")
        _say("given up")
        return
    lasted = time.time() - call.answered_at
    who = (
        "hung up" if end.cause == "local" else "the other side hung up" if end.cause == "remote" else str(end)
    )
    _say(f"{who} after {lasted:.1f} s")
    if record is not None:
        _say(f"recorded {record}")


def _say(line: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')} {line}")
    sys.stdout.flush()
