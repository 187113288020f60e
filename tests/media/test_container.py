"""What is opened as a clip is one file, and no list of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedrender.errors import ArtifactError
from seedrender.media import frames, make
from seedrender.media.medium import inspect
from seedrender.media.probe import probe

LISTS = {
    "ffconcat": "ffconcat version 1.0\nfile l.mp4\nduration 2\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nl.mp4\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5000 RTP/AVP 96\n",
    "text": "just a text, not one of them\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_text_that_names_clips_elsewhere_is_no_clip(tmp_path: Path, kind: str) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "film").mkdir()
    make.clip(
        tmp_path / "private/film.mp4", width=64, height=64, duration_s=2, seed=1, title="private"
    )
    (tmp_path / "film/l.mp4").symlink_to(tmp_path / "private/film.mp4")
    path = tmp_path / "film/a.mp4"
    path.write_text(LISTS[kind])

    for look in (probe, inspect, frames.last_frame):
        with pytest.raises(ArtifactError):
            look(path)
