"""Work done in threads ahead of whoever consumes it, in order, with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batches(
    work: Callable[[Item], Result], items: Iterable[Item], *, batch: int, workers: int = 2
) -> Iterator[list[Result]]:
    """Lists of up to `batch` results, in the order of the items; at most three batches are held at a time."""
    with ThreadPoolExecutor(workers, thread_name_prefix="senoscope-ahead") as pool:
        waiting: deque[Future[Result]] = deque()
        rest = iter(items)
        waiting.extend(pool.submit(work, item) for item in islice(rest, 3 * batch))
        while waiting:
            group = [waiting.popleft().result() for _ in range(min(batch, len(waiting)))]
            waiting.extend(pool.submit(work, item) for item in islice(rest, len(group)))
            yield group
