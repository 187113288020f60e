"""Says what a reference will be that another job is still to make, as far as its data tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedrender.catalog.models import Catalog
from seedrender.catalog.price import output_of, resolution_of
from seedrender.media.medium import Medium
from seedrender.values.job import Job, JobId, MediaKind


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The jobs of a film, and what their route offers."""

    offered: Catalog
    jobs: Mapping[JobId, Job]

    def medium(self, wanted: JobId) -> Medium | None:
        """Return what a job's picture or clip will be; None: nobody can say."""
        job = self.jobs.get(wanted)
        variant = self.offered.variant(job.model, job.tier, job.mode) if job is not None else None
        if job is None or variant is None:
            return None
        family = variant.family
        sizes = family.pixels.get(resolution_of(job, family), {})
        width, height = sizes.get(job.ratio or variant.default_ratio, (None, None))
        length = output_of(job, family)
        is_known = length.low == length.high and job.makes is MediaKind.VIDEO
        return Medium(
            kind=job.makes,
            format=family.format,
            width=width,
            height=height,
            seconds=float(length.high) if is_known else None,
        )
