"""Makes clips of other containers than MP4, as some providers send them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.video.stream import VideoStream

CODECS = {"mp4": ("mpeg4", "yuv420p"), "mov": ("mpeg4", "yuv420p"), "mkv": ("mpeg4", "yuv420p")}
CODECS |= {"webm": ("libvpx", "yuv420p"), "gif": ("gif", "rgb8"), "apng": ("apng", "rgb24")}
CODECS |= {"ts": ("mpeg2video", "yuv420p")}


@cache
def contained(form: str, frames: int = 50) -> bytes:
    """A clip of 25 pictures a second without sound, 64x64."""
    codec, colours = CODECS[form]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{form}"
        with av.open(str(path), "w") as output:
            stream = output.add_stream(codec, rate=25)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 64, colours
            for number in range(frames):
                frame = av.VideoFrame(64, 64, "rgb24")
                frame.planes[0].update(bytes([number]) * frame.planes[0].buffer_size)
                frame.pts = number
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()
