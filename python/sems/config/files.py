"""How sounds are read and recordings are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .section import Section


class FileSettings(Section):
    """``[files]``."""

    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Threads that read and write files of sound. More of them help where disks are slow to answer."""
    prompt_cache_megabytes: Annotated[int, Field(ge=0, le=65536)] = 64
    """What the sounds may take of memory that are kept ready to be played: 64 hold about half an
    hour of files at 8 kHz, 16 minutes of such at 16, 6 of such at more. The one that was unused for longest
    goes first, and one whose file has changed is read again."""
    stream_after: Annotated[float, Field(ge=0.0, le=86400.0)] = 30.0
    """A file that is longer, in seconds, is not kept but read while it sounds."""
    download_megabytes: Annotated[int, Field(ge=1, le=4096)] = 64
    """How large a sound may be that is fetched from the web (``call.play("https://…")``)."""
    download_seconds: Annotated[float, Field(gt=0.0, le=600.0)] = 10.0
    """How long its server may say nothing, in seconds."""
    download_total_seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = 60.0
    """How long it may take as a whole, in seconds."""
    download_cache_megabytes: Annotated[int, Field(ge=1, le=1_048_576)] = 512
    """What sounds from the web may take of the disk, in ``cache`` of the data folder. Those that were fetched
    longest ago go first."""
    decoded_megabytes: Annotated[int, Field(ge=1, le=1_048_576)] = 1024
    """What files of other formats than WAV and raw G.711 take of the disk once they are decoded, in
    ``cache/decoded`` of the data folder; one that would take more by itself is not played. Those that were
    asked for longest ago go first."""
