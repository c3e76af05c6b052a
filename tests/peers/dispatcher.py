"""Kamailio in front of several servers: it asks each by OPTIONS whether it takes calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .kamailio import FRONT, Process

_CONFIG = (
    FRONT
    + """
loadmodule "xlog.so"
loadmodule "dispatcher.so"

modparam("tm", "fr_timer", 800)
modparam("tm", "retr_timer1", 200)
modparam("dispatcher", "list_file", "{folder}/dispatcher.list")
modparam("dispatcher", "ds_ping_method", "OPTIONS")
modparam("dispatcher", "ds_ping_interval", 1)
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 1)
modparam("dispatcher", "ds_inactive_threshold", 1)
modparam("dispatcher", "xavp_dst", "_dsdst_")

request_route {{
    route(KNOWN);
    record_route();
    # In the order of the list, of those that are up.
    if (!ds_select_dst("1", "8")) {{ sl_send_reply("503", "Nobody There"); exit; }}
    t_relay();
}}

event_route[dispatcher:dst-down] {{ xlog("L_NOTICE", "down: $ru\\n"); }}
event_route[dispatcher:dst-up] {{ xlog("L_NOTICE", "up: $ru\\n"); }}
"""
)


class Dispatcher(Process):
    """`async with Dispatcher(tmp_path, [5060, 5070]) as front:` sends calls to the first of these ports of
    127.0.0.1 that is up."""

    def __init__(self, folder: Path, ports: Iterable[int]) -> None:
        super().__init__(folder)
        servers = list(enumerate(ports))
        # The highest priority first.
        lines = (f"1 sip:127.0.0.1:{port} 0 {len(servers) - place}" for place, port in servers)
        (self.folder / "dispatcher.list").write_text("\n".join(lines) + "\n")
        self.config.write_text(_CONFIG.format(port=self.port, folder=self.folder))

    def uri(self, user: str) -> str:
        """What is called."""
        return f"sip:{user}@127.0.0.1:{self.port}"

    def changes(self, port: int) -> list[str]:
        """What the server at that port has become, one after the other: `down` and `up`."""
        found = (re.search(rf"(down|up): sip:127.0.0.1:{port}$", line) for line in self.log)
        return [one[1] for one in found if one]
