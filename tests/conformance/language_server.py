"""A client of the YAML language server, which VS Code's YAML extension runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Self


class LanguageServer:
    """One server process; `diagnostics` opens files as an editor does."""

    def __init__(self, program: Path, schema: Path | None = None) -> None:
        self._program = program
        schemas = {schema.as_uri(): ["*.yaml"]} if schema else {}
        self._settings = {"validate": True, "schemaStore": {"enable": False}, "schemas": schemas}
        self._count = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(self._program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        capabilities = {"workspace": {"configuration": True}}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._send("initialized", {})
        self._send("workspace/didChangeConfiguration", {"settings": {"yaml": self._settings}})
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def diagnostics(self, paths: Iterable[Path]) -> dict[Path, list[tuple[int, str]]]:
        """Return the lines, from 1, and the words that an editor would show, by file."""
        found = {}
        for path in paths:
            uri, text = path.resolve().as_uri(), path.read_text("utf-8")
            document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
            self._send("textDocument/didOpen", {"textDocument": document})
            while True:
                message = self._read()
                params = message.get("params", {})
                if message.get("method") == "textDocument/publishDiagnostics" and (
                    params["uri"] == uri
                ):
                    break
            rows = [(d["range"]["start"]["line"] + 1, d["message"]) for d in params["diagnostics"]]
            found[path] = rows
        return found

    def _ask(self, method: str, params: Any) -> Any:
        self._count += 1
        self._write({"id": self._count, "method": method, "params": params})
        while (answer := self._read()).get("id") != self._count or "method" in answer:
            pass
        return answer["result"]

    def _send(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def _write(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = _open(self._process.stdin)
        stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        stdin.flush()

    def _read(self) -> dict[str, Any]:
        """Read a message, and answer the server's own questions."""
        stdout = _open(self._process.stdout)
        length = 0
        while line := stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        message: dict[str, Any] = json.loads(stdout.read(length))
        if "id" in message and "method" in message:
            items = message.get("params", {}).get("items", ())
            settings = [self._settings if i.get("section") == "yaml" else {} for i in items]
            is_about_them = message["method"] == "workspace/configuration"
            self._write({"id": message["id"], "result": settings if is_about_them else None})
        return message


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "the process was started with pipes"
    return stream
