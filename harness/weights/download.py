"""Downloads: one file from the web, of which the size is known, going on where an earlier call stopped."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from bridgebench.harness.processes.progress import meter
from bridgebench.methods.core.errors import CannotWrite, UserError

_BLOCK = 2**18  # bytes
_SILENCE = 60.0  # seconds without a byte, after which a server counts as gone
_RANGE = re.compile(r"bytes (\d+)-")
# What urllib's own opener takes besides (ftp://, file://, data:) is nobody's archive, nor may a server lead there.
_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
)
# What goes wrong on the way; the ValueError is of an address that is none.
_NETWORK = (http.client.HTTPException, urllib.error.URLError, ssl.SSLError, TimeoutError, ConnectionError, ValueError)


def is_address(source: str) -> bool:
    """Whether this is an ``http(s)://`` address, not the name of a file."""
    return source.lower().startswith(("http://", "https://"))


def download(address: str, path: Path, size: int) -> None:
    """Loads a file into `path`. What is in `path` already counts as its beginning, if the server can go on from there.

    Whether the bytes are the right ones is not looked at.

    Args:
        address: ``http://...`` or ``https://...``.
        path: where the bytes go; after an error, what has come is kept there.
        size: how many bytes the file has; a server that sends more is not listened to.

    Raises:
        UserError: the server cannot be reached, has no such file, sends too many bytes, or stops before the end.
        CannotWrite: the disk is full, or the folder cannot be written.
    """
    have = path.stat().st_size if path.is_file() else 0
    if have == size:
        return
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "bridgebench"})
        if 0 < have < size:
            request.add_header("Range", f"bytes={have}-")
        with opener.open(request, timeout=_SILENCE) as answer:
            _receive(answer, path, size)
    except urllib.error.HTTPError as error:
        raise UserError(
            f"{address} answers {error.code} ({error.reason}): check the address, or name a copy by --from FILE|URL."
        ) from error
    except _NETWORK as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise UserError(f"{address} could not be loaded ({reason}); {_kept(path)}") from error
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written ({error.strerror or error}); {_kept(path)}") from error
    if path.stat().st_size < size:
        raise UserError(f"{address} ended before the end of the file; {_kept(path)}")


def _receive(answer: http.client.HTTPResponse, path: Path, size: int) -> None:
    """Writes the body of an answer behind what `path` has, or over it if the answer begins at the file's beginning."""
    start = 0
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.match(answer.headers.get("Content-Range", ""))
        start = int(found[1]) if found else 0
    with path.open("r+b" if path.exists() else "wb") as file, meter("megabytes", size // 10**6, passing=True) as shown:
        if start > file.seek(0, 2):
            raise UserError(f"{answer.url} answers with another part than was asked for; {_kept(path)}")
        file.seek(start)
        file.truncate()
        come = start
        while block := answer.read(min(_BLOCK, size + 1 - come)):
            come += len(block)
            if come > size:
                file.truncate(0)  # nothing of another file is to be gone on with
                raise UserError(f"{answer.url} has more than the {size:,} bytes of the file that is meant.")
            file.write(block)
            shown.show(come // 10**6, images=0)


def _kept(path: Path) -> str:
    megabytes = (path.stat().st_size if path.is_file() else 0) / 10**6
    return f"{megabytes:.1f} MB have come and are kept: give the same command again to go on."
