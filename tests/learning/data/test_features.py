"""The feature store: computed once, whatever happens in between."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from senoscope.core.errors import RunError, UnreadableImageError
from senoscope.core.io import read
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Flip, Gray, Resize
from senoscope.learning.data.features import FeatureStore, Wanted, default_store
from senoscope.learning.models.weights import Backbone, resolve
from tests.learning.conftest import TINY
from tests.makers import ultrasound

PLAIN = Pipeline((Gray(), Resize(64, 64)))

SLOW_RUN = """
import sys, time
from pathlib import Path
from senoscope.learning.data import features
from tests.learning.data.test_features import wanted
from senoscope.learning.models.weights import resolve
prepared = features._prepared
def slowly(item):
    time.sleep(0.04)  # a batch of 16 then takes a third of a second
    return prepared(item)
features._prepared = slowly
store = features.FeatureStore(Path(sys.argv[1]))
store.embed(resolve("test_efficientnet", pretrained=False, seed=3), wanted(Path(sys.argv[2])))
"""


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        Pil.fromarray(ultrasound(seed, (80, 64), malignant=seed % 2 == 0)).save(folder / f"{seed:03d}.png")
    return folder


def wanted(folder: Path, pipeline: Pipeline = PLAIN) -> list[Wanted]:
    return [Wanted(path, sha256(path.read_bytes()).hexdigest(), pipeline) for path in sorted(folder.iterdir())]


@pytest.fixture
def store(own_store: Path) -> FeatureStore:
    return default_store()


def test_features_are_those_of_a_plain_forward(store: FeatureStore, backbone: Backbone, tmp_path: Path) -> None:
    items = wanted(pictures(tmp_path / "in", 20))

    found = store.embed(backbone, items)

    with torch.no_grad():
        for row in (0, 15, 16, 19):
            pixels = np.asarray(Pil.fromarray(read(items[row].path).pixels).resize((64, 51), Pil.Resampling.BILINEAR))
            canvas = np.zeros((64, 64), np.float32)
            canvas[6:57] = pixels
            image = torch.from_numpy(canvas).expand(1, 3, 64, 64) / 255
            normalised = (image - torch.tensor(backbone.mean)[:, None, None]) / torch.tensor(backbone.std)[
                :, None, None
            ]
            expected = backbone.network.forward_features(normalised).mean(dim=(2, 3))[0]  # type: ignore[operator]
            np.testing.assert_allclose(found[row], expected.numpy(), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.1


def test_second_run_computes_nothing(store: FeatureStore, backbone: Backbone, tmp_path: Path) -> None:
    items = wanted(pictures(tmp_path / "in", 5))
    first = store.embed(backbone, items)
    again = default_store()
    told: list[int] = []

    second = again.embed(backbone, items, told.append)

    assert store.computed == 5
    assert again.computed == 0
    assert told == [5]
    assert np.array_equal(first, second)


def test_equal_pictures_are_computed_once(store: FeatureStore, backbone: Backbone, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 2)
    (folder / "copy.png").write_bytes((folder / "001.png").read_bytes())
    told: list[int] = []

    found = store.embed(backbone, wanted(folder), told.append)

    assert store.computed == 2
    assert sum(told) == 3
    assert np.array_equal(found[1], found[2])
    assert not np.array_equal(found[0], found[1])


def test_another_picture_preparation_or_network_is_computed_anew(
    store: FeatureStore, backbone: Backbone, tmp_path: Path
) -> None:
    (item,) = wanted(pictures(tmp_path / "in", 1))
    store.embed(backbone, [item])
    mirrored = Pipeline((Gray(), Flip(), Resize(64, 64)))
    stretched = Pipeline((Gray(), Resize(64, 64, "stretch")))
    other = resolve(TINY, pretrained=False, seed=4)

    for count, (network, asked) in enumerate(
        [
            (backbone, replace(item, pipeline=mirrored)),
            (backbone, replace(item, pipeline=stretched)),
            (backbone, replace(item, digest="0" * 64)),
            (other, item),
        ],
        start=2,
    ):
        store.embed(network, [asked])
        assert store.computed == count


def test_finished_batches_survive_a_kill(own_store: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 64)
    own_store.parent.mkdir()
    command = [sys.executable, "-c", SLOW_RUN, str(own_store), str(folder)]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}) as process:
        _wait_for_rows(own_store, 16, process)
        os.kill(process.pid, signal.SIGKILL)
    survived = _rows(own_store)
    network = resolve(TINY, pretrained=False, seed=3)

    store = FeatureStore(own_store)
    found = store.embed(network, wanted(folder))

    fresh = FeatureStore(tmp_path / "fresh.sqlite")
    assert process.returncode == -signal.SIGKILL
    assert 16 <= survived < 64
    assert survived % 16 == 0
    assert store.computed == 64 - survived
    assert np.array_equal(found, fresh.embed(network, wanted(folder)))


def _rows(path: Path) -> int:
    with sqlite3.connect(path, timeout=60) as connection:
        count: int = connection.execute("SELECT count(*) FROM features").fetchone()[0]
    connection.close()
    return count


def _wait_for_rows(path: Path, rows: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        time.sleep(0.05)
        try:
            if path.is_file() and _rows(path) >= rows:
                return
        except sqlite3.OperationalError:
            continue  # the table is not there yet
        assert process.poll() is None, "the run ended before it could be killed"
    pytest.fail("nothing was stored within a minute")


@pytest.mark.parametrize("content", [b"this is no database, but long enough to look" * 50, b"SQLite format 3\0" * 400])
def test_file_that_is_no_store(own_store: Path, content: bytes) -> None:
    own_store.parent.mkdir()
    own_store.write_bytes(content)

    with pytest.raises(RunError, match=r"features\.sqlite cannot be used") as caught:
        default_store()

    assert "SENOSCOPE_CACHE" in caught.value.hint


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")

    with pytest.raises(RunError, match="cannot be used"):
        default_store()


def test_store_damaged_behind_its_header(
    store: FeatureStore, own_store: Path, backbone: Backbone, tmp_path: Path
) -> None:
    items = wanted(pictures(tmp_path / "in", 20))
    store.embed(backbone, items)
    store.close()
    with own_store.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (own_store.stat().st_size - 4096))

    with pytest.raises(RunError, match="cannot be used"):
        default_store().embed(backbone, items)


def test_entry_of_the_wrong_length(store: FeatureStore, own_store: Path, backbone: Backbone, tmp_path: Path) -> None:
    items = wanted(pictures(tmp_path / "in", 1))
    store.embed(backbone, items)
    store.close()
    with sqlite3.connect(own_store) as connection:
        connection.execute("UPDATE features SET value = x'00000000'")
    connection.close()

    with pytest.raises(RunError, match="wrong length"):
        default_store().embed(backbone, items)


def test_picture_that_cannot_be_read(store: FeatureStore, backbone: Backbone, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 1)
    (folder / "broken.png").write_bytes(b"<html>")

    with pytest.raises(UnreadableImageError, match=r"broken\.png"):
        store.embed(backbone, wanted(folder))
