"""Says whether a clip that one route rendered stands for what another one is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from seedrender.values.entry import Fingerprint, TaskRecord

SIMULATED = "sim"  # the route whose footage nobody takes for the real one
NOT_KNOWN = "?"  # the provider, or the digest, of a record of which only a part can be read
FILE = "file"  # stands where a route's name would: a person brought the clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The route that a film asks for now; None: whichever.

    What shows the same is the same, wherever it was rendered, unless the author says that the
    route matters. Footage of the simulator stands for no clip of a paid route.
    """

    route: str | None = None
    is_identity: bool = False  # `route_in_identity`: a clip of another route is another clip

    def takes(self, record: TaskRecord) -> bool:
        """Say whether the clip of a record passes."""
        if self.route in (None, record.provider) or record.provider == FILE:
            return True
        if self.is_identity:
            return False
        return self.route == SIMULATED or record.provider != SIMULATED

    def reaches(self, record: TaskRecord) -> bool:
        """Say whether it is for this route to say what became of a record's task."""
        return self.route in (None, record.provider) or record.is_guess

    def drops(self, record: TaskRecord) -> bool:
        """Say whether a live task is left alone: a simulated one, which nobody paid for."""
        return record.provider == SIMULATED and not self.reaches(record)

    def is_made(self, record: TaskRecord | None, wanted: Fingerprint) -> bool:
        """Say whether a record made what is wanted."""
        return record is not None and wanted.is_of(record.fingerprint) and self.takes(record)


WHICHEVER = Asked()
