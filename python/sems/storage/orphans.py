"""Files of sound that belong to no message and no greeting any more.

They are left when the process ends between what is done with the database and what is done with the file.
They are put aside at first, so that whoever has mixed up databases finds everything again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ..log import logger

#: In the folder of the mailboxes; no box is called so.
ASIDE: Final = ".orphaned"
#: Younger files, in seconds, may be about to be noted, by this server or another.
AGE: Final = 24 * 3600.0
#: So long, in seconds, they lie aside before they are deleted.
KEPT: Final = 30 * 24 * 3600.0


def sweep(folder: Path, named: Collection[str], now: float | None = None) -> int:
    """Puts aside what is old and not among those that are ``named`` (paths below the folder), deletes what
    was put aside long ago, and returns how many were put aside. ``now``: seconds since 1970.

    Where nothing is named at all, nothing is done: the database may be another one. Raises OSError.
    """
    now = time.time() if now is None else now
    if not named or not folder.is_dir():
        return 0
    swept = 0
    for box in folder.iterdir():
        if box.name == ASIDE or not box.is_dir():
            continue
        for path in box.iterdir():
            name = f"{box.name}/{path.name}"
            if name in named or not path.is_file() or now - path.stat().st_mtime < AGE:
                continue
            target = folder / ASIDE / f"{box.name}-{path.name}"
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
            # From now on it lies there.
            os.utime(target, (now, now))
            logger.warning("a file that belongs to no message was put aside", file=name, aside=str(target))
            swept += 1
    for path in (folder / ASIDE).iterdir() if (folder / ASIDE).is_dir() else ():
        if now - path.stat().st_mtime > KEPT:
            path.unlink(missing_ok=True)
            logger.info("a file that was put aside was deleted", file=path.name)
    return swept
