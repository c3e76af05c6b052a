"""``sems trace``: why a call failed, as a running server remembers it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import typer

from ..config import load_config
from ..errors import TraceError
from ..server.running import running_server
from ..trace import Entry, Trace, ladder, write_pcap
from .failure import one_clear_line
from .options import ConfigFile, Data

_TIMEOUT = 10.0


def trace(
    call: Annotated[
        str | None, typer.Argument(metavar="[CALL-ID]", help="The Call-ID, or the number in the log.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Where the server's pages are. [default: that of the server on this machine]",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="SEMS_OPERATOR__TOKEN",
            metavar="TOKEN",
            help="The operator's token. [default: that of the server on this machine]",
        ),
    ] = None,
    pcap: Annotated[
        Path | None, typer.Option("--pcap", metavar="FILE", help="Write a packet capture.")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Write the ladder.")] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Write a file that `sems replay` goes through again."),
    ] = None,
    messages: Annotated[
        bool, typer.Option("--messages", "-m", help="Show the messages below the ladder.")
    ] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show why a call failed: its messages as a ladder, with times.

    Asks a running server, which remembers the last calls and other requests. Without CALL-ID it lists them.
    Secrets (digest answers, passwords, links to pages, which keys were pressed, what was
    written) are masked.
    """
    with one_clear_line():
        loaded = load_config({"config": config, "data": data}).config
        running = running_server(loaded.data)
        token = token or loaded.operator.token or (running.token if running else None)
        url = url or (running.url if running else f"http://127.0.0.1:{loaded.http_port}")
        if token is None:
            raise TraceError("no server of this data folder runs here: --url and --token say which to ask")
        url = url.rstrip("/")
        if call is None:
            typer.echo(_listing(_ask(f"{url}/api/v1/traces", token)["calls"]), nl=False)
            return
        found = _trace(_ask(f"{url}/api/v1/calls/{quote(call, safe='')}/trace", token))
        text = ladder(found)
        if messages:
            text += "".join(_message(entry, found.entries[0].at_ns) for entry in found.messages)
        try:
            if save is not None:
                save.write_text(text)
            if pcap is not None:
                write_pcap(found, pcap)
            if replay is not None:
                replay.write_text(found.to_json())
        except OSError as error:
            raise TraceError(f"{error.filename}: {error.strerror}") from None
        if save is None and pcap is None and replay is None:
            typer.echo(text, nl=False)


def _ask(url: str, token: str) -> Any:
    request = Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request, timeout=_TIMEOUT) as response:
            return json.load(response)
    except HTTPError as error:
        raise TraceError(_problem(error)) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise TraceError(f"{url} can't be asked ({reason}): --url says where a server runs") from None


def _problem(error: HTTPError) -> str:
    if error.code == 401:
        return "the server does not take this token"
    try:
        problem = json.load(error)
        return str(problem.get("detail") or problem["title"]).rstrip(".")
    except (ValueError, KeyError, AttributeError):
        return f"the server says {error.code} {error.reason}"


def _trace(view: dict[str, Any]) -> Trace:
    entries = [
        {
            "at_ns": entry["at_us"] * 1000,
            **{
                name: entry[name]
                for name in ("kind", "transport", "local", "remote", "message", "text", "fields")
            },
            **({"message_base64": entry["message_base64"]} if entry["message_base64"] is not None else {}),
        }
        for entry in view["entries"]
    ]
    return Trace(
        view["call_id"],
        tuple(Entry.from_json(entry) for entry in entries),
        view["version"],
        view["settings"],
    )


def _listing(calls: list[dict[str, Any]]) -> str:
    if not calls:
        return "Nothing is remembered yet.\n"
    lines = []
    for call in calls:
        began = datetime.fromisoformat(call["began"]).astimezone()
        arrow = "from" if call["direction"] == "in" else "to"
        outcome = call["outcome"] or "still there"
        lines.append(
            f"{began:%H:%M:%S}  {call['method'] or '?':<9} {arrow} {call['remote']:<22} {call['uri']}\n"
            f"          {outcome}\n"
            f"          {call['call_id']}\n"
        )
    return "".join(lines)


def _message(entry: Entry, start: int) -> str:
    way = f"from {entry.remote}" if entry.kind == "received" else f"to {entry.remote}"
    text = entry.message.decode("utf-8", "replace").replace("\r\n", "\n").rstrip()
    return f"\n--- {(entry.at_ns - start) / 1e9:.3f} s, {way}\n{text}\n"
