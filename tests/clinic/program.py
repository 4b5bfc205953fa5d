"""The service as a program of its own, to be killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue

import httpx2

SERVE = "from senoscope.cli import main; main()"


class Program:
    """`senoscope serve` on a free port.

    Args:
        home: its folder.
        prelude: Python that runs before it, to break something on purpose.
    """

    def __init__(self, home: Path, prelude: str = "", *options: str) -> None:
        arguments = ["serve", "--home", str(home), "--port", "0", *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SENOSCOPE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{prelude}\n{SERVE}", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def link(self, seconds: float = 240.0) -> str:
        """Wait for the link it prints."""
        line = self._lines.get(timeout=seconds)
        return next(word for word in line.split() if word.startswith("http://")).rstrip("/")

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.link(), timeout=60)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return its exit status and what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        return self.outcome()

    def outcome(self, seconds: float = 60.0) -> tuple[int, str]:
        """Wait for its end; return its exit status and what it said on standard error."""
        assert self.process.stderr
        status = self.process.wait(seconds)
        said = self.process.stderr.read()
        self._reap()
        return status, said

    def _reap(self) -> None:
        self.process.wait(30)
        for stream in (self.process.stdout, self.process.stderr):
            if stream and not stream.closed:
                stream.close()
