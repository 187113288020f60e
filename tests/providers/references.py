"""The references of the golden requests, and where their media are for a provider."""

from __future__ import annotations

from seedrender.values.job import CorrelationId, MediaKind, Reference, ReferenceUse, Role
from seedrender.values.provider import MediaUrl

ID = CorrelationId("0123456789abcdef0123456789abcdef")
HERO = Reference(name="hero", kind=MediaKind.IMAGE, url="https://cdn.example/hero.png")
STREET = Reference(name="street", kind=MediaKind.IMAGE, path="refs/street.png")
DANCE = Reference(name="dance", kind=MediaKind.VIDEO, url="https://cdn.example/dance.mp4")
SCORE = Reference(name="score", kind=MediaKind.AUDIO, url="https://cdn.example/score.mp3")
PLACES = {
    "hero": MediaUrl("https://cdn.example/hero.png"),
    "street": MediaUrl("data:image/png;base64,iVBORw0KGgo="),
    "dance": MediaUrl("https://cdn.example/dance.mp4"),
    "score": MediaUrl("https://cdn.example/score.mp3"),
}


def uses(*references: Reference, role: Role = Role.REFERENCE) -> tuple[ReferenceUse, ...]:
    """Give references in a role."""
    return tuple(ReferenceUse(reference=reference, role=role) for reference in references)
