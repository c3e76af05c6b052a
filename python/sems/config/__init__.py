"""The configuration: its model, and how it is read."""

from .accounts import AccountSettings
from .dialout import DialoutSettings
from .load import DEFAULT_FILE, LoadedConfig, load_config
from .model import (
    AnnouncementSettings,
    Config,
    LimitSettings,
    LogSettings,
    OperatorSettings,
    RoomSettings,
    Route,
    TlsSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "AccountSettings",
    "AnnouncementSettings",
    "Config",
    "DialoutSettings",
    "LimitSettings",
    "LoadedConfig",
    "LogSettings",
    "OperatorSettings",
    "RoomSettings",
    "Route",
    "TlsSettings",
    "load_config",
]
