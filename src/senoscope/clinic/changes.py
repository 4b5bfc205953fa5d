"""Word of changed predictions, from the threads that change them to the streams that tell the browser."""

import asyncio
import threading
from collections.abc import AsyncIterator


class Subscription:
    """What one stream has still to tell; a prediction that changes twice before it is told is told once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ids: dict[str, None] = {}
        self._word = asyncio.Event()
        self.closed = False

    def _tell(self, prediction: str) -> None:
        self._ids[prediction] = None
        self._word.set()

    def _close(self) -> None:
        self.closed = True
        self._word.set()

    def notify(self, prediction: str) -> None:
        """Note a change, from any thread."""
        self._loop.call_soon_threadsafe(self._tell, prediction)

    def end(self) -> None:
        """Let the stream end, from any thread."""
        self._loop.call_soon_threadsafe(self._close)

    async def batches(self, heartbeat: float) -> AsyncIterator[list[str]]:
        """Yield the ids that have changed since; an empty list after `heartbeat` silent seconds."""
        while not self.closed:
            try:
                await asyncio.wait_for(self._word.wait(), heartbeat)
            except TimeoutError:
                yield []
                continue
            self._word.clear()
            ids, self._ids = list(self._ids), {}
            if ids:
                yield ids


class Changes:
    """The streams that are listening."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: the signal to stop may interrupt the thread that holds it
        self._listening: set[Subscription] = set()
        self._closed = False

    def subscribe(self) -> Subscription:
        """Begin to listen; call from within the event loop, and `unsubscribe` at the end."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            subscription.closed = self._closed
            self._listening.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening."""
        with self._lock:
            self._listening.discard(subscription)

    def publish(self, prediction: str) -> None:
        """Say, from any thread, that a prediction has changed."""
        with self._lock:
            for subscription in self._listening:
                subscription.notify(prediction)

    def close(self) -> None:
        """End every stream, now and later, so that the service can stop."""
        with self._lock:
            self._closed = True
            for subscription in self._listening:
                subscription.end()
