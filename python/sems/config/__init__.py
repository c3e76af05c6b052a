"""The configuration: its model, and how it is read."""

from .accounts import AccountSettings
from .announcements import AnnouncementSettings
from .boxes import BoxSettings, MailSettings, StorageSettings
from .dialout import DialoutSettings
from .load import DEFAULT_FILE, LoadedConfig, config_of, load_config
from .model import (
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
    "BoxSettings",
    "Config",
    "DialoutSettings",
    "LimitSettings",
    "LoadedConfig",
    "LogSettings",
    "MailSettings",
    "OperatorSettings",
    "RoomSettings",
    "Route",
    "StorageSettings",
    "TlsSettings",
    "config_of",
    "load_config",
]
