"""What went wrong on the way to a host is said in words."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from seedrender.providers.network import trouble

KEY = ConnectionKey(
    "host", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)
REFUSED = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)")


def certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ClientConnectorError(KEY, REFUSED), "connection refused"),
        (aiohttp.ClientProxyConnectionError(KEY, REFUSED), "connection refused"),
        (
            aiohttp.ClientConnectorCertificateError(KEY, certificate()),
            "its certificate is not valid: self-signed certificate",
        ),
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "WRONG_VERSION_NUMBER")),
            "TLS cannot be agreed on",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(None, "no such host")),
            "its name cannot be resolved",
        ),
        (
            aiohttp.ClientConnectorError(KEY, socket.gaierror(-2, "unknown")),
            "its name cannot be resolved",
        ),
        (aiohttp.ServerTimeoutError(), "it took too long"),
        (TimeoutError(), "it took too long"),
        (aiohttp.ServerDisconnectedError(), "the connection was closed"),
        (aiohttp.ClientPayloadError("400, message"), "it ended before it was whole"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "reset by peer"), "connection reset by peer"),
        (ConnectionResetError(), "the connection broke"),
        (aiohttp.ClientConnectionError("closed"), "the connection broke"),
        (aiohttp.InvalidURL("https://host/?key=secret"), "InvalidURL"),
    ],
)
def test_what_went_wrong_is_said_in_words(error: Exception, words: str) -> None:
    assert trouble(error) == words
