"""Where SIP is listened for, and with which certificates: the configuration in the core's words."""

from __future__ import annotations

import socket
from typing import Any

from ..config import Config
from ..sip.headers import join_host_port
from .hosting import reachable_address


def addresses(config: Config) -> list[str]:
    """What ``EngineConfig`` takes as ``sip_listen``."""
    if config.listen:
        return list(config.listen)
    plain = join_host_port(config.host, config.sip_port)
    listen = [f"udp:{plain}", f"tcp:{plain}"]
    if config.tls_port is not None:
        return [*listen, f"tls:{join_host_port(config.host, config.tls_port)}"]
    # Nobody has asked for this port, so that others may have it.
    port = config.sip_port and config.sip_port + 1
    return [*listen, f"tls:{join_host_port(config.host, port)};optional"] if port < 65536 else listen


def with_advertised(config: Config, listeners: list[str]) -> list[str]:
    """The core's ``listeners``, each with what its peers are told instead, as ``sip_listen`` takes it."""
    told = {}
    for text in addresses(config):
        place, *more = text.split(";")
        told[place.lower()] = "".join(f";{part}" for part in more if part.startswith("advertise="))
    # Of port 0 the system has chosen another.
    return [
        listener + (told.get(listener) or told.get(f"{listener.rpartition(':')[0]}:0", ""))
        for listener in listeners
    ]


def certificates(config: Config) -> dict[str, Any]:
    """What ``EngineConfig`` takes for TLS."""
    own = {config.advertised_address, reachable_address(config.host), config.host, socket.gethostname()}
    return {
        "tls_certificate": config.tls.certificate,
        "tls_key": config.tls.key,
        "tls_ca": config.tls.ca,
        "tls_verify": config.tls.verify,
        "tls_wildcards": config.tls.wildcards,
        "tls_folder": config.data / "tls",
        "tls_names": sorted(own - {None} | {"localhost"}),
    }
