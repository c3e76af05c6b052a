"""The page of all keys of ``sems.toml``, written from the models that read it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from sems.config import Config
from sems.config.section import Section

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "configuration-reference.md"
_BEGIN = """# Every key of sems.toml

Each key that is no table is a variable as well (`sip_port` is `SEMS_SIP_PORT`, `limits.max_calls` is
`SEMS_LIMITS__MAX_CALLS`), a list written as in the file (`SEMS_TRUSTED='["192.0.2.0/24"]'`), and the most
usual ones are options of `sems run`. `sems config` shows what holds and where it came from, `sems config KEY`
explains a key. A key or value that is wrong is refused at the start, with its place; so is a variable
`SEMS_…` that looks like one of these and is none. Others are left alone, and so is what Kubernetes sets for a
Service (`SEMS_SIP_PORT=udp://10.96.0.7:5060` for one that is called `sems-sip`).
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """For Sphinx: writes the page before the pages are read."""
    app.connect("builder-inited", lambda app: _write(Path(app.srcdir) / PAGE))
    return {"parallel_read_safe": True}


def _write(page: Path) -> None:
    text = page_text()
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def page_text() -> str:
    """The page, as Markdown."""
    return "\n".join([_BEGIN, *_table(Config, "")])


def _table(model: type[Section], name: str) -> Iterator[str]:
    tables: list[tuple[type[Section], str]] = []
    for key, field in model.model_fields.items():
        about = _about(model, key, field)
        inner, heading = _inner(field.annotation, f"{name}.{key}" if name else key)
        if inner is not None:
            tables.append((inner, f"{heading}\n\n{about}\n"))
        else:
            yield f"`{key}` = {_default(field)}\n: {about}\n"
    for inner, heading in tables:
        yield f"## {heading}"
        yield from _table(inner, re.split(r"[\[\]`]+", heading)[1])


def _inner(annotation: Any, name: str) -> tuple[type[Section] | None, str]:
    """The table that a key holds, and how that is written."""
    heading = f"`[{name}]`"
    if get_origin(annotation) is tuple:
        annotation, heading = get_args(annotation)[0], f"`[[{name}]]`"
    elif get_origin(annotation) is dict:
        annotation, heading = get_args(annotation)[1], f'`[{name}."NAME"]`'
    is_table = isinstance(annotation, type) and issubclass(annotation, Section)
    return (annotation if is_table else None), heading


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "… (must be given)"
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    value = TypeAdapter(kind).dump_python(field.get_default(call_default_factory=True), mode="json")
    if value is None:
        return "… (unset)"
    # JSON writes strings, numbers, truth and lists of them as TOML does.
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace(str(Path.home()), "~")


def _about(model: type[Section], key: str, field: FieldInfo) -> str:
    text = field.description
    if text is None and isinstance(field.annotation, type):
        text = inspect.getdoc(field.annotation)
    return " ".join((text or "").replace("``", "`").split())
