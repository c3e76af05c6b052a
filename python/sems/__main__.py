"""``python -m sems`` is the command ``sems``."""

from .cli import main

main()
