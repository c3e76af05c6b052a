"""The configuration in the words of the core."""

from __future__ import annotations

from ..components import Components
from ..config import Config
from ..engine import EngineConfig
from ..plugins import Apps
from ..sip import auth
from . import listening, tracing


def core_config(config: Config, apps: Apps, components: Components, *, seed: int | None) -> EngineConfig:
    """What the engine of a server is made of. Raises ValueError for what the core does not take."""
    return EngineConfig(
        sip_listen=listening.addresses(config),
        **listening.certificates(config),
        max_connections=config.connections.total,
        max_connections_per_source=config.connections.per_source,
        connection_idle_ms=round(config.connections.idle * 1000),
        rtp_ports=config.rtp_ports,
        workers=config.workers,
        room_legs=config.room_legs,
        **config.limits.model_dump(exclude={"unanswered"}),
        **tracing.course(config, apps),
        auth=auth.gate(config, components.authentication.users()),
        trace_bytes=config.trace.megabytes << 20 if config.trace.enabled else 0,
        file_threads=config.files.threads,
        prompt_cache_bytes=config.files.prompt_cache_megabytes << 20,
        stream_after_ms=round(config.files.stream_after * 1000),
        seed=seed,
    )
