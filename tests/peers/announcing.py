"""Kamailio in front: what comes to it goes by an announcement of ours first, and then to a phone."""

from __future__ import annotations

from .kamailio import FRONT, Process

_CONFIG = (
    FRONT
    + """

request_route {{
    route(KNOWN);
    # Whoever has us as outbound proxy names us in its Route.
    loose_route();
    record_route();
    # Strangers may not choose services.
    remove_hf("P-App-Name");
    remove_hf("P-App-Param");
    if ($sp == "{sems}") {{ t_relay_to_udp("127.0.0.1", "{phone}"); exit; }}
    append_hf("P-App-Name: precall\\r\\n");
    append_hf("P-App-Param: play=notice\\r\\n");
    t_relay_to_udp("127.0.0.1", "{sems}");
}}
"""
)


class Announcing(Process):
    """`async with Announcing(tmp_path) as front:` after `serve()` has said where what is."""

    def serve(self, sems: int, phone: int) -> None:
        """Ports of 127.0.0.1."""
        self.config.write_text(_CONFIG.format(port=self.port, sems=sems, phone=phone))
