"""Opens clips and sounds for reading: containers of media alone, and only the file itself.

FFmpeg also reads playlists and lists of files, which name others: a text that calls itself a clip
would be read through to a film elsewhere on the disk, or on the network.
"""

from __future__ import annotations

from pathlib import Path

import av

# names of demuxers; that of a list of files or an address is none of them
_FORMATS = (
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "asf", "flv", "ogg", "gif", "apng"),
    *("mp3", "wav", "w64", "aac", "flac", "aiff", "caf", "amr", "opus", "ac3", "h264", "hevc"),
    *("png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"),  # told apart as pictures
)
_OPTIONS = {"format_whitelist": ",".join(_FORMATS), "protocol_whitelist": "file"}


def opened(path: Path) -> av.container.InputContainer:
    """Open a file. Raises: av.FFmpegError, OSError."""
    return av.open(str(path), options=dict(_OPTIONS))
