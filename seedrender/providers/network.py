"""Says in words what went wrong on the way to a host, and nothing of what was sent there."""

from __future__ import annotations

import os
import socket
import ssl

import aiohttp

_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (  # the first that fits
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "its name cannot be resolved"),
    ((TimeoutError,), "it took too long"),
    ((ssl.SSLError,), "TLS cannot be agreed on"),
    ((aiohttp.ServerDisconnectedError,), "the connection was closed"),
    ((aiohttp.ClientPayloadError,), "it ended before it was whole"),
)
_BROKEN = (aiohttp.ClientConnectionError, ConnectionError)


def trouble(error: Exception) -> str:
    """Return what a person would say of an error; one that is not foreseen keeps its name."""
    cause = error
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    for kinds, words in _WORDS:
        if isinstance(cause, kinds) or isinstance(error, kinds):
            return words
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno).lower()
    return "the connection broke" if isinstance(cause, _BROKEN) else type(cause).__name__
