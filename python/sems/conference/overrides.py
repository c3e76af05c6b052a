"""What a call says of the room that it comes to: parameters that override the configuration for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..config import RoomSettings
from ..errors import SemsError
from .participant import Role

if TYPE_CHECKING:
    from ..call import Call


_YES = ("yes", "true", "1")


class BadParameter(SemsError):
    """A call says something of its room that makes no sense."""

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(why)
        self.parameter = parameter


def settings_for(call: Call, settings: RoomSettings) -> RoomSettings:
    """The settings of the room with those that are among the parameters of the call, which come from a
    route or from ``P-App-Param`` of a trusted neighbour. Raises BadParameter."""
    given = {key: text for key, text in call.params.items() if key in RoomSettings.model_fields}
    if given.get("moderator", "").lower() in _YES:
        # That is about this caller alone.
        del given["moderator"]
    if not given:
        return settings
    known = {key: getattr(settings, key) for key in RoomSettings.model_fields}
    try:
        return RoomSettings.model_validate({**known, **given})
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise BadParameter(str(wrong["loc"][0]), wrong["msg"]) from None


def chosen(settings: RoomSettings, options: Mapping[str, Any]) -> RoomSettings:
    """The settings with what an app has chosen for a call. Raises TypeError for what is no setting, and
    ValueError for what does not fit."""
    for key in options:
        if key not in RoomSettings.model_fields:
            raise TypeError(f"join() knows no {key!r}: it is none of [rooms]")
    if not options:
        return settings
    known = {key: getattr(settings, key) for key in RoomSettings.model_fields}
    try:
        return RoomSettings.model_validate({**known, **options})
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None


def role_of(call: Call) -> Role | None:
    """What a trusted neighbour, or a route, says about the role of this caller. Raises BadParameter."""
    if role := call.params.get("role"):
        try:
            return Role(role.lower())
        except ValueError:
            raise BadParameter("role", f"{role!r} is none of {', '.join(Role)}") from None
    if call.params.get("moderator", "").lower() in _YES:
        return Role.MODERATOR
    return None
