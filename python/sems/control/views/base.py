"""What is common to all that the API sends and takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class View(BaseModel):
    """Something that is sent."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Wish(BaseModel):
    """Something that is asked for: unknown members are errors, and one at least must be given."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True,
        json_schema_extra={"minProperties": 1},
    )  # fmt: skip

    @model_validator(mode="after")
    def _wants_something(self) -> Wish:
        if not self.model_fields_set:
            raise ValueError(f"One of {', '.join(type(self).model_fields)} must be given.")
        return self


class Problem(View):
    """Why something was not done (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The meaning of the status code."""
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """The reason, as a sentence that can be shown to people."""
    code: str | None = None
    """Where a room refuses: the reason as a name that stays the same, such as `room_locked`, so that the
    sentence can be said in the reader's language."""
    values: dict[str, str | int] | None = None
    """What varies in that sentence, such as `name`."""


def rounded(value: float | None, digits: int) -> float | None:
    """To so many digits."""
    return None if value is None else round(value, digits)


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a date."""
    return datetime.fromtimestamp(seconds, UTC)
