"""Many slides at once, by Ray: a worker process each, every one of which does what one process would do alone."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from senoscope.core.errors import MissingExtraError, RunError, SenoscopeError
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.job import Settings, run_or_fail
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.outliner import load_for_slides

Answer = SlideSummary | Failure


class SlideWorker:
    """What runs in a worker process: a bundle that is loaded once, and asked about slide after slide."""

    def __init__(self, bundle: str, operating_point: str, threads: int, folder: str) -> None:
        os.chdir(folder)  # so that relative paths mean what they mean to who asks
        self._model = load_for_slides(bundle, operating_point, threads)

    def run(self, path: Path, settings: Settings, out: Path | None, skip_failed: bool) -> Answer:
        """Ask about one slide; see `job.run_or_fail`."""
        return run_or_fail(path, self._model, settings, out, skip_failed=skip_failed)


def run_by_ray(
    paths: Sequence[Path],
    bundle: str,
    operating_point: str,
    settings: Settings,
    out: Path | None,
    *,
    workers: int,
    skip_failed: bool = False,
    threads: int = 0,
) -> Iterator[Answer]:
    """Ask about slides by several workers, in the order given; the files are those that one process would write.

    Where RAY_ADDRESS names a cluster it is joined, and paths must lead to the same files on all of its machines;
    otherwise the workers are processes of this machine.

    Args:
        paths: the slides' files.
        bundle: name or path of the bundle; every worker loads and verifies it.
        operating_point: name of the threshold; the bundle's default where empty.
        settings: how slides are asked about.
        out: folder for a folder of results each.
        workers: slides at once.
        skip_failed: whether slides that failed in an earlier run are left alone.
        threads: of a worker's network; 0 shares this machine's cores out.

    Raises:
        MissingExtraError: Ray is not installed.
        RunError: the workers cannot be started.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("asking about several slides at once", "scale") from error
    ours = not ray.is_initialized()
    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    try:
        if ours:
            _start(ray, workers)
        hire = ray.remote(num_cpus=1, max_restarts=0)(SlideWorker)
        team = _Team(ray, lambda: hire.remote(bundle, operating_point, threads, os.getcwd()), workers)
        yield from team.run(paths, (settings, out, skip_failed))
    finally:
        if ours:
            ray.shutdown()


def _start(ray: Any, workers: int) -> None:
    try:
        if os.environ.get("RAY_ADDRESS"):
            ray.init(log_to_driver=False, logging_level="error")
        else:
            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise RunError(
            f"Ray cannot be started: {str(error).splitlines()[0][:200]}", "or leave out --workers"
        ) from error


class _Team:
    """Workers, each with a slide; whoever is done takes the next, and answers come in the order of the slides."""

    def __init__(self, ray: Any, hire: Callable[[], Any], workers: int) -> None:
        self._ray, self._hire, self._workers = ray, hire, workers
        self._done: dict[int, Answer] = {}
        self._busy: dict[Any, tuple[int, Any]] = {}

    def run(self, paths: Sequence[Path], told: tuple[Settings, Path | None, bool]) -> Iterator[Answer]:
        waiting = deque(enumerate(paths))
        free = [self._hire() for _ in range(min(self._workers, len(paths)))]
        for place in range(len(paths)):
            while place not in self._done:
                while free and waiting:
                    number, path = waiting.popleft()
                    worker = free.pop()
                    self._busy[worker.run.remote(path, *told)] = (number, worker)
                free += self._finished(paths)
            yield self._done.pop(place)

    def _finished(self, paths: Sequence[Path]) -> list[Any]:
        """Wait for one slide, and return who may take the next."""
        (task,), _ = self._ray.wait(list(self._busy), num_returns=1)
        number, worker = self._busy.pop(task)
        try:
            self._done[number] = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SenoscopeError):
                raise error.cause from error
            raise
        except self._ray.exceptions.RayError:
            # The system ends a process that takes too much memory; the slide fails, and the others go on.
            told = RunError(f"{paths[number]}: the worker process ended", "ask about fewer slides at once")
            self._done[number] = Failure(str(paths[number]), told)
            return [self._hire()]
        return [worker]
