"""Kamailio in front: what comes to it goes by an announcement of ours first, and then to a phone."""

from __future__ import annotations

from .kamailio import Process

_CONFIG = """
debug=2
log_stderror=yes
fork=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"

request_route {{
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
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


class Announcing(Process):
    """`async with Announcing(tmp_path) as front:` after `serve()` has said where what is."""

    def serve(self, sems: int, phone: int) -> None:
        """Ports of 127.0.0.1."""
        self.config.write_text(_CONFIG.format(port=self.port, sems=sems, phone=phone))
