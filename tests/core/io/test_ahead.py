"""Work in threads, ahead of its consumer."""

import threading
import time
from collections.abc import Iterator

import pytest

from senoscope.core.io.ahead import batches


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100])
def test_results_come_in_order_and_in_batches(count: int) -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.002 if item % 8 == 0 else 0)
        return item * item

    groups = list(batches(slow_first, range(count), batch=8, workers=3))

    assert [result for group in groups for result in group] == [item * item for item in range(count)]
    assert all(len(group) == 8 for group in groups[:-1])


def test_memory_is_bounded() -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    stream = batches(lambda item: item, source(), batch=4)
    next(stream)

    assert taken <= 4 * 4


def test_work_is_done_in_other_threads() -> None:
    (names,) = batches(lambda _: threading.current_thread().name, range(4), batch=4)

    assert threading.main_thread().name not in names


def test_an_error_reaches_the_consumer() -> None:
    with pytest.raises(ZeroDivisionError):
        list(batches(lambda item: 1 // item, [1, 0, 1], batch=2))
