"""What happened in a call: its messages, what came to its ports, what the app ordered and what it was told.

A :class:`Trace` comes from :meth:`sems.Server.trace`, is drawn by :func:`ladder`, saved as a packet
capture by :func:`write_pcap`, and goes through the same states again by :func:`replay`. Secrets are
masked in it: digest answers, passwords in addresses, links to control pages, keys.
"""

from .ladder import ladder
from .pcap import write_pcap
from .record import Entry, Trace, TracedCall
from .replay import Replay, replay

__all__ = ["Entry", "Replay", "Trace", "TracedCall", "ladder", "replay", "write_pcap"]
