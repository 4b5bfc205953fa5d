"""Multipart uploads, streamed into the store and bounded while they come.

Starlette's own parser would spool every file whole before anything could look at its size.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from senoscope.clinic.images import TIFF, ImageStore, Incoming, clean_name
from senoscope.clinic.settings import MEGABYTE, Settings
from senoscope.core.errors import ImageTooLargeError, SenoscopeError, ServiceError, UnreadableImageError, UsageError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILES = "files"
MAX_FIELDS = 16
MAX_FIELD_BYTES = 1024


@dataclass
class ReceivedFile:
    """One file of a form: its clean name, its size, and either its digest in the store or why it was refused."""

    filename: str
    bytes: int = 0
    digest: str = ""
    error: SenoscopeError | None = None


@dataclass
class Form:
    """A form that has come whole."""

    files: list[ReceivedFile] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


class _Receiver:
    """Callbacks of the parser: one part at a time, files into the store, fields into memory."""

    def __init__(self, store: ImageStore, settings: Settings, limit: Callable[[dict[str, str]], int]) -> None:
        self.form = Form()
        self.incoming: list[Incoming | None] = []
        self.complete = False
        self._store = store
        self._settings = settings
        self._limit_of, self._limit = limit, 0
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._field = ""
        self._text: bytearray | None = None

    def on_part_begin(self) -> None:
        self._headers, self._text = {}, None

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            self._text = bytearray()
            return
        if self._field != FILES:
            raise UsageError(f"a file came in the field {self._field[:40]!r}", f"send files in the field {FILES!r}")
        if len(self.form.files) == self._settings.max_files:
            raise UsageError(f"more than {self._settings.max_files} files in one request", "send them in several")
        self.form.files.append(ReceivedFile(clean_name(options[b"filename"].decode("utf-8", "replace"))))
        self._limit = self._limit_of(self.form.fields)
        self.incoming.append(self._store.receive())

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._text is not None:
            self._text += data[start:end]
            if len(self._text) > MAX_FIELD_BYTES:
                raise UsageError(f"the field {self._field[:40]!r} is too long", f"at most {MAX_FIELD_BYTES} bytes")
            return
        file, incoming = self.form.files[-1], self.incoming[-1]
        if incoming is None:
            return
        incoming.write(data[start:end])
        # Only what may be a slide may be as large as one.
        limit = self._limit if incoming.begins in TIFF else min(self._limit, self._settings.max_file_bytes)
        if incoming.bytes > limit:
            incoming.discard()
            self.incoming[-1] = None
            size = f"{limit / MEGABYTE:g} MB"
            file.error = ImageTooLargeError(f"{file.filename} is larger than {size}", "send a smaller picture")

    def on_part_end(self) -> None:
        if self._text is None:
            incoming = self.incoming[-1]
            if incoming is not None:
                incoming.end()
            return
        if len(self.form.fields) == MAX_FIELDS:
            raise UsageError("the form has too many fields", f"it needs {FILES!r}, and perhaps 'task' or 'bundle'")
        self.form.fields[self._field] = self._text.decode("utf-8", "replace")

    def on_end(self) -> None:
        self.complete = True

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.on_part_begin,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_part_data": self.on_part_data,
            "on_part_end": self.on_part_end,
            "on_end": self.on_end,
        }

    def keep(self) -> None:
        """Put every file that is in bounds into the store."""
        for file, incoming in zip(self.form.files, self.incoming, strict=True):
            if incoming is None:
                continue
            file.bytes = incoming.bytes
            if incoming.bytes == 0:
                file.error = UnreadableImageError(f"{file.filename} is empty", "send the picture again")
            else:
                file.digest = incoming.keep()

    def discard(self) -> None:
        for incoming in self.incoming:
            if incoming is not None:
                incoming.discard()


async def receive(
    request: Request,
    store: ImageStore,
    settings: Settings,
    check: Callable[[dict[str, str]], object],
    limit: Callable[[dict[str, str]], int],
) -> Form:
    """Take a multipart form in; its files lie in the store, durably, when this returns.

    A file above the limit, or empty, is noted as refused and the others go on.

    Args:
        request: what is sent.
        store: where the files go.
        settings: their bounds.
        check: called with the other fields before anything is kept; what it raises refuses the form.
        limit: bytes a file may have, by the fields that came before it.

    Raises:
        UsageError: not a multipart form, one that breaks off, one with too many parts, or one without files.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UsageError(
            "the request is not a multipart form", f"send the files as multipart/form-data, field {FILES!r}"
        )
    receiver = _Receiver(store, settings, limit)
    try:
        parser = MultipartParser(options[b"boundary"], receiver.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
        if not receiver.complete:
            raise UsageError("the form breaks off before its end", "send it again")
        if not receiver.form.files:
            raise UsageError("the request holds no file", f"send one or several in the field {FILES!r}")
        check(receiver.form.fields)
        await run_in_threadpool(receiver.keep)
    except ClientDisconnect as error:
        raise UsageError("the upload breaks off before its end", "send it again") from error
    except FormParserError as error:
        raise UsageError(f"the form cannot be read: {error}", "send it again") from error
    except OSError as error:
        raise ServiceError(
            f"the upload cannot be stored: {error.strerror}", "free space on the service's disk"
        ) from error
    finally:
        receiver.discard()
    return receiver.form
