"""Looks at what this machine brings: Python, the libraries, video codecs, git."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from seedrender import __version__
from seedrender.errors import ConfigError
from seedrender.providers import proxies
from seedrender.run.doctor import Check, fail, ok, warn

_LEAST_PYTHON = (3, 11)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CODECS = ("libx264", "aac")
_PATIENCE_S = 20


def machine() -> Iterator[Check]:
    """Look at all of it."""
    yield _python()
    yield _packages()
    yield _video()
    yield _git()
    yield _proxy()


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < _LEAST_PYTHON:
        return fail("python", found, "install Python 3.11 or newer")
    return ok("python", found)


def _packages() -> Check:
    """Compare what seedrender says it needs with what is installed."""
    try:
        needed = metadata.requires("seedrender") or []
    except metadata.PackageNotFoundError:
        words = f"seedrender {__version__}, run from its sources without being installed"
        return warn("packages", words, "install it: pip install -e .")
    versions: list[str] = []
    missing: list[str] = []
    for line in needed:
        name = _NAME.match(line)
        if name is None or "extra ==" in line:
            continue
        try:
            versions.append(f"{name[0]} {metadata.version(name[0])}")
        except metadata.PackageNotFoundError:
            missing.append(name[0])
    if missing:
        advice = f"pip install {' '.join(missing)}"
        return fail("packages", f"not installed: {', '.join(missing)}", advice)
    return ok("packages", f"seedrender {__version__}; {', '.join(versions)}")


def _video() -> Check:
    """Ask the video library for what clips are made and joined with."""
    advice = "install a wheel of PyAV: pip install --only-binary :all: av"
    try:
        import av
        from av.codec import Codec
    except ImportError as error:
        return fail("video", f"PyAV cannot be loaded: {error}", advice)
    missing = [name for name in _CODECS if not _has_encoder(Codec, name)]
    versions = ".".join(map(str, av.library_versions.get("libavcodec", ())))
    found = f"PyAV {av.__version__}, libavcodec {versions}"
    if missing:
        return fail("video", f"{found} without {', '.join(missing)}", advice)
    return ok("video", f"{found}, {' and '.join(_CODECS)}")


def _has_encoder(codec: type, name: str) -> bool:
    try:
        codec(name, "w")
    except ValueError:  # PyAV's error for an unknown codec is one
        return False
    return True


def _git() -> Check:
    advice = "install git: the lockfile is meant to be checked in, and `plan --against` reads it"
    git = shutil.which("git")
    if git is None:
        return warn("git", "not on the PATH", advice)
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no word of anybody else's
            [git, "--version"], capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return warn("git", f"does not run ({type(error).__name__})", advice)
    return ok("git", done.stdout.strip().removeprefix("git version ") or "of unknown version")


def _proxy() -> Check:
    """Say which proxy of the environment the routes are reached through."""
    try:
        found = proxies.proxy_for("https://host.example")
    except ConfigError as error:
        return fail("proxy", "one that is not understood", str(error))
    apart = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    if found is None:
        why = "NO_PROXY is *" if apart == "*" else "HTTPS_PROXY is not set"
        return ok("proxy", f"none: {why}")
    return ok("proxy", f"{proxies.shown(found)}{f', but for {apart}' if apart else ''}")
