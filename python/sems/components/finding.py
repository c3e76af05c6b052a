"""Which component of each kind is used: one that a package brings, or the one that comes with SEMS."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from .. import entries
from ..config import Config
from ..config.components import ComponentKind, ComponentSettings
from ..errors import PluginError
from ..log import logger
from .accounts import AccountSource, ConfiguredAccounts
from .authentication import Authentication, ConfiguredUsers
from .dialout import AllowList, DialoutPolicy
from .mailer import Mailer, SmtpMailer
from .storage import Storage, mailboxes
from .voice import NoVoiceAtAll, Voice, espeak

if TYPE_CHECKING:
    from ..storage import Mail

GROUP = "sems.components"
"""The entry points under which packages bring components: ``KIND = "package.module:factory"``."""

KINDS: Mapping[ComponentKind, type] = {
    "storage": Storage,
    "mailer": Mailer,
    "voice": Voice,
    "authentication": Authentication,
    "dialout": DialoutPolicy,
    "accounts": AccountSource,
}
"""The kinds, each with its protocol."""

KINDS_OF_OURS: Mapping[ComponentKind, str] = {
    "storage": "A database and files ([storage])",
    "mailer": "SMTP ([mail])",
    "voice": "espeak-ng, where it is installed",
    "authentication": "[[auth.users]]",
    "dialout": "[dialout] allow",
    "accounts": "[[accounts]]",
}
"""What comes with SEMS of each."""

OWN = "sems"
"""How ``[components.KIND] use`` names the one that comes with SEMS."""

OWN_ALONE: Mapping[ComponentKind, ComponentSettings] = {kind: ComponentSettings(use=OWN) for kind in KINDS}
"""``[components]`` of who is only a telephone: what packages bring is for servers, and nobody but those is to
register their accounts."""


@dataclass(frozen=True, slots=True)
class FoundComponent:
    """A component that was found, loaded or not."""

    kind: str
    origin: str
    """The package that brings it."""
    used: bool
    """It is the one of its kind."""
    summary: str = ""
    """The first line of its documentation."""
    error: str | None = None
    """Why it could not be loaded, in one line."""
    factory: Callable[..., Any] | None = None
    """What makes it."""


class Components:
    """The components of one server. One is made when it is first asked for; one that is broken raises
    PluginError then, every time, and no other suffers from it. It is never quietly replaced by that which
    comes with SEMS: messages would be kept where nobody looks for them.

    >>> server.components.dialout.allows("sip:anna@127.0.0.1", None)
    True
    >>> [found.origin for found in server.components.describe() if found.error]
    []
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: dict[str, Any] = {}
        brought = entries.of_group(GROUP)
        self._found = [found for kind in KINDS for found in _of_kind(kind, config, brought)]
        self._found += _of_no_kind(brought)
        for found in self._found:
            if found.error is not None and (found.used or found.kind not in KINDS):
                logger.error(
                    "a component could not be loaded", kind=found.kind, origin=found.origin, why=found.error
                )

    def describe(self) -> list[FoundComponent]:
        """All that were found, by kind: for ``sems plugins``."""
        return list(self._found)

    @property
    def storage(self) -> Storage:
        """Where messages are kept."""
        made: Storage = self._get("storage", lambda: mailboxes(self._config, self._send), send=self._send)
        return made

    @property
    def storage_is_made(self) -> bool:
        """Somebody has asked for it."""
        return "storage" in self._made

    @property
    def mailer(self) -> Mailer:
        """What sends mail."""
        made: Mailer = self._get("mailer", lambda: SmtpMailer(self._config, {}))
        return made

    @property
    def voice(self) -> Voice:
        """What speaks texts; of a broken one, what says so whenever it is to speak."""
        options = self._options("voice")
        try:
            made: Voice = self._get("voice", lambda: espeak(self._config, options))
        except PluginError as error:
            return NoVoiceAtAll(str(error))
        return made

    @property
    def authentication(self) -> Authentication:
        """Who knows users."""
        made: Authentication = self._get("authentication", lambda: ConfiguredUsers(self._config, {}))
        return made

    @property
    def dialout(self) -> DialoutPolicy:
        """Who decides whom conferences may call."""
        made: DialoutPolicy = self._get("dialout", lambda: AllowList(self._config, {}))
        return made

    @property
    def accounts(self) -> AccountSource:
        """Who knows where we are registered."""
        made: AccountSource = self._get("accounts", lambda: ConfiguredAccounts(self._config, {}))
        return made

    async def _send(self, mail: Mail) -> None:
        await self.mailer.send(mail)

    def _options(self, kind: ComponentKind) -> Mapping[str, Any]:
        settings = self._config.components.get(kind)
        return {} if settings is None else settings.options

    def _get(self, kind: ComponentKind, own: Callable[[], Any], **more: Any) -> Any:
        if kind not in self._made:
            chosen = [found for found in self._found if found.kind == kind and found.used]
            if not chosen:
                self._made[kind] = own()
            else:
                self._made[kind] = _make(chosen[0], KINDS[kind], self._config, self._options(kind), more)
        return self._made[kind]


def _make(
    found: FoundComponent, protocol: type, config: Config, options: Mapping[str, Any], more: Mapping[str, Any]
) -> Any:
    name = f"the {found.kind} of {found.origin}"
    if found.factory is None:
        raise PluginError(f"{name} could not be loaded: {found.error}")
    try:
        made = found.factory(config, options, **more)
    except BaseException as error:
        raise PluginError(f"{name} can't be made: {entries.why_not(error)}") from error
    if lacks := _lacks(made, protocol):
        raise PluginError(f"{name} lacks {', '.join(lacks)}, which every {found.kind} has")
    return made


def _lacks(made: object, protocol: type) -> list[str]:
    """The methods of the protocol that it has not."""
    return [each for each in dir(protocol) if not each.startswith("_") and not hasattr(made, each)]


def _of_kind(kind: ComponentKind, config: Config, brought: Iterable[EntryPoint]) -> list[FoundComponent]:
    """What packages bring of the kind, and which of it is used."""
    its = sorted((entry for entry in brought if entry.name == kind), key=entries.origin)
    settings = config.components.get(kind)
    use = None if settings is None else settings.use
    if use == OWN:
        return [_load(entry, used=False) for entry in its]
    if use is not None:
        found = [_load(entry, used=use in (_package(entry), entry.value)) for entry in its]
        if not any(one.used for one in found):
            found.append(FoundComponent(kind, use, True, error="no package of this name brings one"))
        return found
    if len(its) > 1:
        origins = ", ".join(map(entries.origin, its))
        why = f"several packages bring one ({origins}): components.{kind}.use says which is used"
        return [FoundComponent(kind, origins, True, error=why)]
    return [_load(entry, used=True) for entry in its]


def _of_no_kind(brought: Iterable[EntryPoint]) -> list[FoundComponent]:
    known = ", ".join(KINDS)
    return [
        FoundComponent(entry.name, entries.origin(entry), False, error=f"there is no such kind, only {known}")
        for entry in brought
        if entry.name not in KINDS
    ]


def _load(entry: EntryPoint, *, used: bool) -> FoundComponent:
    try:
        factory = entries.load(entry)
        if not callable(factory):
            raise PluginError(f"{entry.value} can't be called")
    except BaseException as error:
        return FoundComponent(entry.name, entries.origin(entry), used, error=entries.why_not(error))
    summary = (inspect.getdoc(factory) or "").partition("\n")[0]
    return FoundComponent(entry.name, entries.origin(entry), used, summary, None, factory)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
