"""Says what is wrong with an API key, before it would travel in a header; never any of it."""

from __future__ import annotations

from seedrender.errors import ConfigError

_WINDOWS = " (a .env file with Windows line ends?)"


def checked(name: str, key: str | None) -> str:
    """Return a key that can be the value of a header; `name` is the variable that holds it.

    Raises: ConfigError where there is none, or it holds what no key has.
    """
    wrong = fault(key or "")
    if wrong or not key:
        raise ConfigError(f"{name} {wrong}; nothing was sent")
    return key


def fault(key: str) -> str:
    """Say what is wrong with a key as it stands; empty: nothing."""
    if not key:
        return "is not set"
    if key.rstrip(" \t\n").endswith("\r"):
        return f"ends with a carriage return{_WINDOWS}"
    if key.rstrip(" \t").endswith("\n"):
        return "ends with a line break"
    if key != key.strip():
        return "begins or ends with white space"
    if not key.isascii() or not key.isprintable() or " " in key:
        return "holds characters that no key has"
    return ""
