"""``sems run``: the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from .. import log
from ..config import load_config
from ..plugins import Apps
from ..server import Server
from ..server.loop import EnduringLoop
from ..server.reloading import Reloading
from .failure import one_clear_line
from .options import BaseUrl, ConfigFile, Data, Host, HttpPort, RtpPorts, SipPort

_GREETING = """
{dial}
  Or call  sems call sip:{user}@{sip}   (from here{page})
  Pages    {pages}
  Operator {pages}/operator   token {token}
"""


def run(
    scripts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[APP.py …]", help="Your services, named by their file stems."),
    ] = None,
    host: Host = None,
    sip_port: SipPort = None,
    http_port: HttpPort = None,
    rtp_ports: RtpPorts = None,
    data: Data = None,
    config: ConfigFile = None,
    base_url: BaseUrl = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Have calls run a script as it is after each time it is written.")
    ] = False,
) -> None:
    """Run the server. Ctrl-C says goodbye to every call and stops.

    Whoever dials sip:NAME@this-machine is in the conference room NAME; the answer to the call carries
    the link of the caller's own control page. echo, ring and announcement are services of their own.

    A script is one more service: sems run hello.py takes the calls to sip:hello@this-machine. With
    --reload the next call runs what you have just written; calls in progress finish on the old code.
    """
    if reload and not scripts:
        raise typer.BadParameter("it needs a script to follow: sems run --reload hello.py")
    with one_clear_line():
        loaded = load_config(
            {
                "host": host,
                "sip_port": sip_port,
                "http_port": http_port,
                "rtp_ports": rtp_ports,
                "data": data,
                "config": config,
                "base_url": base_url,
            }
        )
        log.configure(loaded.config.log)
        scripts = scripts or []
        server = Server(loaded.config, apps=Apps.find(scripts))
        with asyncio.Runner(loop_factory=EnduringLoop) as runner:
            runner.run(_serve(server, scripts, Reloading(server, scripts) if reload else None))


async def _serve(server: Server, scripts: Sequence[Path], reloading: Reloading | None) -> None:
    def ready(server: Server) -> None:
        greet(server, scripts)
        if isinstance(loop := asyncio.get_running_loop(), EnduringLoop):
            loop.tell_when_blocked()
        if reloading is not None:
            server.spawn(reloading.follow())

    await server.run(ready)


def greet(server: Server, scripts: Sequence[Path]) -> None:
    """Says on stdout what to dial and what to open."""
    host = server.reachable_host
    port = "" if server.sip_port == 5060 else f":{server.sip_port}"
    loaded = [server.apps.of_script(script) for script in scripts]
    own = [quote(found.name) for found in loaded if found and found.app and found.app.handler]
    dialled = [f"sip:{user}@{host}{port}" for user in (*own, "standup")]
    typer.echo(
        _GREETING.format(
            dial="\n".join(f"{'' if line else '  Dial':<11}{uri}" for line, uri in enumerate(dialled)),
            user=own[0] if own else "standup",
            sip=f"{host}{port}",
            page="" if own else "; --open shows its page",
            pages=server.base_url(None),
            token=server.operator_token,
        )
    )
