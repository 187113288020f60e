"""The manifest of one film as an author works on it: ids, rows and definitions change places."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
run: {{concurrency: {places}, requests_per_minute: 100000, poll: {{first: 0.05s, interval: 0.02s, max_interval: 0.1s}}}}
"""
_MARKS = (
    *("lost-answer", "500-created", "late-answer", "no-task-id", "not-json", "lost-request"),
    *("500", "503", "rate-limited", "concurrent", "fail-once", "poll-500", "poll-lost", "slow"),
    *("truncated", "short", "garbage", "download-503", "no-size", "odd-status"),
)
_MOST_TWINS = 1


@dataclass(slots=True)
class Scene:
    """Which id has which definition now."""

    name: str  # in each prompt: one simulator serves many films
    route: str
    rng: random.Random
    shots: dict[str, str] = field(default_factory=dict)  # id → prompt
    rows: dict[str, str] = field(default_factory=dict)  # id of a row → prompt
    segments: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)  # shots that left
    copies: Counter[str] = field(default_factory=Counter)  # prompt → jobs that had it at once
    _written: int = 0

    @classmethod
    def drawn(cls, name: str, route: str, rng: random.Random) -> Scene:
        """Draw a film of a few shots, two rows and a chain of two segments."""
        scene = cls(name, route, rng)
        for _ in range(rng.randint(2, 3 if route == "sim" else 7)):
            scene.shots[scene._new_id()] = scene._new_prompt()
        scene.rows = {row: scene._new_prompt() for row in ("r1", "r2")}
        scene.segments = [scene._new_prompt() for _ in range(2)]
        return scene

    def write(self, folder: Path) -> None:
        """Put manifest and rows in place as an editor does: by a rename."""
        text = _HEAD.format(route=self.route, places=self.rng.randint(1, 8)) + "shots:\n"
        for shot, prompt in self.shots.items():
            text += f'  {shot}: {{prompt: "{prompt}"}}\n'
        text += '  rows: {foreach: rows.csv, prompt: "{{ text }}"}\n'
        text += "chains:\n  fly:\n    segments:\n"
        text += "".join(f'      - {{prompt: "{prompt}"}}\n' for prompt in self.segments)
        rows = "".join(f"{row},{prompt}\n" for row, prompt in self.rows.items())
        for name, content in (("film.yaml", text), ("rows.csv", f"id,text\n{rows}")):
            part = folder / f"{name}.new"
            part.write_text(content, "utf-8")
            part.replace(folder / name)
        now = Counter([*self.shots.values(), *self.rows.values(), *self.segments])
        self.copies |= now

    def change(self, name: str) -> bool:
        """Change the film by one of CHANGES; False: there is nothing to change in that way."""
        return CHANGES[name](self)

    def exchange(self) -> bool:
        """Let two shots exchange their ids."""
        one, other = self.rng.sample(sorted(self.shots), 2)
        self.shots[one], self.shots[other] = self.shots[other], self.shots[one]
        return True

    def rotate(self) -> bool:
        """Let every id go on to the next shot."""
        names, prompts = list(self.shots), list(self.shots.values())
        self.shots = dict(zip(names, [*prompts[1:], prompts[0]], strict=True))
        return len(names) > 1

    def rename(self) -> bool:
        """Give a shot another id, and its old one to a new shot."""
        self._renamed(self._new_prompt())
        return True

    def rename_only(self) -> bool:
        """Give a shot another id."""
        self._renamed(None)
        return True

    def exchange_rows(self) -> bool:
        """Let two rows exchange their ids."""
        one, other = self.rows
        self.rows[one], self.rows[other] = self.rows[other], self.rows[one]
        return True

    def leave(self) -> bool:
        """Take a shot out."""
        if len(self.shots) > 2:
            shot = self.rng.choice(sorted(self.shots))
            self.gone[shot] = self.shots.pop(shot)
            return True
        return False

    def come_back(self) -> bool:
        """Bring a shot back that left, under the id that it had or another one."""
        if not self.gone:
            return False
        shot, prompt = self.gone.popitem()
        is_free = shot not in self.shots and self.rng.random() < 0.5
        self.shots[shot if is_free else self._new_id()] = prompt
        return True

    def redefine(self) -> bool:
        """Give a shot another prompt; the old one may come back later."""
        shot = self.rng.choice(sorted(self.shots))
        self.gone[self._new_id()] = self.shots[shot]
        self.shots[shot] = self._new_prompt()
        return True

    def double(self) -> bool:
        """Define one more shot just like another one."""
        most = Counter(self.shots.values()).most_common(1)[0][1]
        if most > _MOST_TWINS or self.route == "sim":
            return False
        self.shots[self._new_id()] = self.rng.choice(sorted(self.shots.values()))
        return True

    def _renamed(self, successor: str | None) -> None:
        old = self.rng.choice(sorted(self.shots))
        found = {(self._new_id() if shot == old else shot): p for shot, p in self.shots.items()}
        if successor is not None:
            found[old] = successor
        self.shots = found

    def _new_id(self) -> str:
        self._written += 1
        return f"s{self._written}"

    def _new_prompt(self) -> str:
        self._written += 1
        mark = f" [sim:{self.rng.choice(_MARKS)}]" if self.rng.random() < 0.4 else ""
        return f"{self.name} picture {self._written} très 雨.{mark}"


CHANGES: Mapping[str, Callable[[Scene], bool]] = {
    "ids exchanged": Scene.exchange,
    "ids rotated": Scene.rotate,
    "old id reused": Scene.rename,
    "renamed": Scene.rename_only,
    "row ids exchanged": Scene.exchange_rows,
    "left": Scene.leave,
    "came back": Scene.come_back,
    "redefined": Scene.redefine,
    "defined twice": Scene.double,
}
