"""The fifth level: native code. The samples of a call go to a function in C where they lie, without a copy
and without the GIL: ``ctypes`` lets it go while the function runs.

    cc -O2 -shared -fPIC -o native.so apps/examples/native.c
    SEMS_NATIVE=./native.so sems run apps/examples/native.py
"""

import ctypes
import os
from array import array

import numpy

from sems import App, Call, Server

app = App()


class Pipe(ctypes.Structure):
    """What the function remembers from block to block."""

    _fields_ = [("past", ctypes.c_int16 * 160), ("place", ctypes.c_size_t)]


library: ctypes.CDLL


@app.start
async def load(server: Server) -> None:
    """Once, before the first call."""
    global library
    library = ctypes.CDLL(os.environ["SEMS_NATIVE"])
    library.pipe_through.restype = None


@app.call
async def main(call: Call) -> None:
    """Through the pipe and back."""
    await call.answer()
    pipe = Pipe()
    async for block in call.audio:
        # numpy looks into the block as it lies in the core's memory.
        heard = numpy.frombuffer(block, dtype=numpy.int16)
        said = array("h", bytes(2 * len(heard)))
        library.pipe_through(
            ctypes.byref(pipe),
            heard.ctypes.data_as(ctypes.c_void_p),
            (ctypes.c_int16 * len(said)).from_buffer(said),
            ctypes.c_size_t(len(said)),
        )
        await call.audio.write(said)
