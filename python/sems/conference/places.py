"""The numbers that stand for people in codes that are keyed in on a telephone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Final

#: So many numbers that somebody had until lately are given to nobody else: whoever is keying one in does not
#: mean who comes meanwhile.
RESTING: Final = 8


@dataclass(slots=True)
class Places:
    """Each has a number of his own as long as he is there, whoever comes or goes. Who comes gets the lowest
    that is free and does not rest."""

    by_id: dict[int, int] = field(default_factory=dict)
    """The numbers, from 1, by participant."""
    resting: dict[int, int] = field(default_factory=dict)
    """Those of the last few who have gone: who comes back has his own again."""

    def keep(self, ids: Collection[int]) -> None:
        """These are there now, and nobody else."""
        for id in [each for each in self.by_id if each not in ids]:
            self.resting[id] = self.by_id.pop(id)
            if len(self.resting) > RESTING:
                del self.resting[next(iter(self.resting))]
        for id in ids:
            if id not in self.by_id:
                self.by_id[id] = self.resting.pop(id, 0) or self._lowest()

    def _lowest(self) -> int:
        used = {*self.by_id.values(), *self.resting.values()}
        return next(number for number in count(1) if number not in used)
