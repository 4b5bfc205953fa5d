"""The bundles this service answers with: those that ship, and those under its home."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.domain.bundle import BundleManifest
from senoscope.core.domain.chain import ChainManifest
from senoscope.core.errors import BundleError, NotFoundError, ServiceError, UsageError
from senoscope.core.registry import Registry
from senoscope.core.tasks import TASKS
from senoscope.runtime import store
from senoscope.runtime.detecting import Detector
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.predictor import Model

log = logging.getLogger(__name__)
LARGEST_CARD = 1_000_000


@dataclass(frozen=True)
class Question:
    """What a file is to be asked: the names of task, bundle and operating point."""

    task: str
    bundle: str
    operating_point: str


class Catalogue:
    """Bundles by name. Requests name them; a request never gives a path.

    Args:
        folder: further bundles, one folder each, beside those that ship; one of a shipped name takes its place. A
            damaged one, or one that looks at no picture, is left out and logged.
    """

    def __init__(self, folder: Path) -> None:
        self._entries: dict[str, tuple[store.Manifest, Path]] = {}
        self._models: dict[str, Model | Outliner | Detector] = {}
        self._lock = threading.Lock()
        for manifest in store.shipped():
            self._add(manifest, store.ZOO / manifest.name)
        for place in sorted(folder.iterdir()) if folder.is_dir() else []:
            try:
                manifest = store.read_manifest(place)
            except BundleError as error:
                log.warning("left out: %s", error)
                continue
            self._add(manifest, place)

    def _add(self, manifest: store.Manifest, place: Path) -> None:
        if manifest.recipe.model.sees:
            self._entries[manifest.name] = (manifest, place)
        else:
            log.warning("left out: %s looks at no picture, and pictures are what is sent here", place)

    def manifests(self) -> list[store.Manifest]:
        """Every bundle's manifest; see `store.in_order`."""
        return store.in_order(manifest for manifest, _ in self._entries.values())

    def _entry(self, name: str) -> tuple[store.Manifest, Path]:
        return Registry("bundle", self._entries.items()).get(name)

    def manifest(self, name: str) -> store.Manifest:
        """Return the manifest of a bundle; raises `NotFoundError`."""
        if name not in self._entries:
            raise NotFoundError(f"there is no bundle {name!r}", f"there are: {', '.join(self._entries) or 'none'}")
        return self._entries[name][0]

    def asks_tiles(self, name: str) -> bool:
        """Whether a bundle may be asked about the tiles of a whole slide; raises `NotFoundError`."""
        manifest = self.manifest(name)
        plain = isinstance(manifest, BundleManifest) and not isinstance(manifest, ChainManifest)
        return plain and TASKS.get(manifest.task).patch is not None

    def card(self, name: str) -> str:
        """Return a bundle's card in Markdown, empty where it has none; raises `NotFoundError` for an unknown bundle."""
        self.manifest(name)
        path = self._entries[name][1] / "card.md"
        # A link could show any file of this machine on the page.
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_CARD:
            return ""
        return path.read_text("utf-8", errors="replace")

    def load(self, name: str) -> Model | Outliner | Detector:
        """Return a bundle ready to predict, loaded once; raises `UsageError` or `BundleError`."""
        with self._lock:
            if name not in self._models:
                self._models[name] = store.load_any(self._entry(name)[1])
            return self._models[name]

    def ask(self, task: str = "", bundle: str = "", operating_point: str = "") -> Question:
        """Settle what is asked, from what the request says of it.

        Raises:
            UsageError: a name is unknown, they contradict each other, or nothing says which of several tasks is meant.
            ServiceError: no bundle is installed that could answer.
        """
        if not self._entries:
            raise ServiceError("no bundle is installed", "put one into the folder bundles under the service's home")
        manifest = self._entry(bundle)[0] if bundle else self._for_task(task)
        if task and manifest.task != task:
            raise UsageError(f"bundle {bundle!r} answers {manifest.task!r}, not {task!r}", "leave one of them out")
        points = [point.name for point in manifest.operating_points]
        if operating_point and operating_point not in points:
            raise UsageError(
                f"{manifest.name} has no operating point {operating_point!r}", f"it has: {', '.join(points)}"
            )
        return Question(manifest.task, manifest.name, operating_point or manifest.operating_point)

    def _for_task(self, task: str) -> store.Manifest:
        tasks = list(dict.fromkeys(manifest.task for manifest in self.manifests()))
        if not task and len(tasks) > 1:
            raise UsageError("the request does not say which task is meant", f"add task, one of: {', '.join(tasks)}")
        if task:
            TASKS.get(task)
        for manifest in self.manifests():
            if manifest.task == (task or tasks[0]):
                return manifest
        raise UsageError(f"no bundle answers task {task!r}", f"tasks here: {', '.join(tasks)}")
