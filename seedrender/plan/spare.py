"""A task that the job on whose line it stands has no use for, and what it is to another one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from seedrender.values.entry import TaskRecord
from seedrender.values.job import JobId


class Worth(IntEnum):
    """What a task is to a job that wants what it was bought for, the best first."""

    CLIP = 0
    LIVE = 1  # a clip may come of it
    DIFFERS = 2  # a clip that is not what was asked for
    IN_VAIN = 3  # no clip comes of it: whether it is bought again is for a person to say


SHOWS = (Worth.CLIP, Worth.LIVE, Worth.DIFFERS)  # what is wanted, or will


@dataclass(frozen=True, slots=True)
class Spare:
    """A task that the job on whose line it stands has no use for."""

    job: JobId
    record: TaskRecord
    worth: Worth
    is_remembered: bool = False  # only the purchase log knows it

    def brings(self, other: Spare) -> bool:
        """Say whether a task goes with this one, as all goes that ended in vain for one job."""
        is_in_vain = self.worth is other.worth is Worth.IN_VAIN
        return other is self or (is_in_vain and other.job == self.job)
