"""The run options, which several commands share. Each is also a variable and a key of sems.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[
    str | None, typer.Option("--host", metavar="ADDR", help="Address to listen at. [SEMS_HOST; default: all]")
]
SipPort = Annotated[
    int | None,
    typer.Option("--sip-port", metavar="N", help="UDP and TCP port for SIP. [SEMS_SIP_PORT; default: 5060]"),
]
HttpPort = Annotated[
    int | None,
    typer.Option(
        "--http-port", metavar="N", help="TCP port of the control pages. [SEMS_HTTP_PORT; default: 8080]"
    ),
]
RtpPorts = Annotated[
    str | None,
    typer.Option(
        "--rtp-ports", metavar="LOW-HIGH", help="UDP ports for audio. [SEMS_RTP_PORTS; default: 10000-19999]"
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Folder for all that lasts. [SEMS_DATA; default: ~/.local/share/sems]"
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Configuration. [SEMS_CONFIG; default: sems.toml, if it is here]"
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="What links to pages begin with. [SEMS_BASE_URL; default: the address at which the call came]",
    ),
]
