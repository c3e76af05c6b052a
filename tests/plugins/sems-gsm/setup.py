"""Where the header of SEMS is, is known to SEMS; all else is in pyproject.toml."""

import os

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "sems_gsm",
            sources=["sems_gsm.c"],
            include_dirs=[os.environ["SEMS_INCLUDE"]],
            libraries=["gsm"],
        )
    ]
)
