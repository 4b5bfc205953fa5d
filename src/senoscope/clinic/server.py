"""Listening: the socket, the link, the end."""

import errno
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from senoscope.clinic.app import create_app
from senoscope.clinic.settings import WILDCARDS, Settings
from senoscope.clinic.state import open_clinic
from senoscope.core.errors import SettingsError

GRACE_SECONDS = 5
BACKLOG = 128


class _Server(uvicorn.Server):
    """Says when it listens, and ends the event streams when it is told to stop: they would hold it up."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until interrupted or terminated; the upload in hand is finished, the others wait for the next start.

    Args:
        settings: where, and what.
        announce: told the page's address once it answers.

    Raises:
        SettingsError: the address cannot be listened on, or the home cannot be used.
    """
    with _listen(settings) as listening, open_clinic(settings) as clinic:
        config = uvicorn.Config(
            create_app(settings, clinic),
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        link = _link(settings.host, listening.getsockname()[1])
        server = _Server(config, lambda: announce(link), clinic.changes.close)
        # uvicorn raises the signal again once it has ended; by default that would skip what closes the home.
        signal.signal(signal.SIGTERM, _leave)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _link(host: str, port: int) -> str:
    name = socket.gethostname() if host in WILDCARDS else host
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def _listen(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {settings.port} on {settings.host} is in use"
        else:
            reason = f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}"
        raise SettingsError(reason, "choose another with --port, or stop what uses it") from error
    return listening
