"""Pictures larger than a bundle's own patches, marked tile by tile: one map and several alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.runtime.outlining import ALWAYS, Outliner
from senoscope.runtime.reading import Failure
from senoscope.runtime.session import OutlineSession
from tests.makers import TINY, outlined_ultrasound
from tests.makers.outline_bundles import patch_outliner

SIZE = (150, 101)


def picture(size: tuple[int, int] = SIZE, seed: int = 2) -> NDArray[np.uint8]:
    return outlined_ultrasound(seed, size)[0]


def expected(outliner: Outliner, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the network gives of the whole picture at once: its maps are of 3 × 3 pixels, smoothed."""
    share = 1 - pixels.astype(np.float64) / 255
    padded = np.pad(share, 1, constant_values=np.nan)
    around = [padded[y : y + share.shape[0], x : x + share.shape[1]] for y in range(3) for x in range(3)]
    dark = np.nanmean(np.stack(around), axis=0)
    if len(outliner.manifest.labels) == 2:
        found: NDArray[np.float32] = (1 / (1 + np.exp(-40 * (dark - 0.84)))).astype(np.float32)[None]
        return found
    marks = np.linspace(0, 1, len(outliner.manifest.labels))[:, None, None]
    logits = np.exp(-40 * (dark - marks) ** 2)
    shares: NDArray[np.float32] = (logits / logits.sum(axis=0)).astype(np.float32)
    return shares


def answered(outliner: Outliner, pixels: NDArray[np.uint8], **given: bool) -> OutlinePrediction:
    (found,) = outliner.stream([Image(pixels, 255.0, "large.png")], **given)  # type: ignore[arg-type]
    assert isinstance(found, OutlinePrediction), found
    return found


def test_of_one_map_the_codes_are_those_of_the_whole_picture(tmp_path: Path) -> None:
    outliner = patch_outliner(tmp_path)
    pixels = picture()

    answer = answered(outliner, pixels)

    whole = expected(outliner, pixels)[0] >= outliner.manifest.threshold
    assert answer.codes.shape == whole.shape == (SIZE[1], SIZE[0])
    assert answer.label == "lesion"
    # Regions smaller than the bundle's smallest are left out: five pixels of a patch of 1024.
    assert (answer.codes.astype(bool) & ~whole).sum() == 0
    assert (whole & (answer.codes == 0)).sum() <= 20
    assert answer.regions[0].pixels > 50
    assert answer.heat.shape == (TINY, TINY)
    assert answer.saliency.shape == whole.shape
    assert answer.probability == pytest.approx(1, abs=0.2)


def test_of_several_maps_every_pixel_has_the_likeliest_label(tmp_path: Path) -> None:
    outliner = patch_outliner(tmp_path, labels=("pale", "grey", "lesion"))
    pixels = picture()

    answer = answered(outliner, pixels)

    maps = expected(outliner, pixels)
    sure = np.sort(maps, axis=0)[-1] - np.sort(maps, axis=0)[-2] > 1e-3
    assert np.array_equal(answer.codes[sure], maps.argmax(axis=0)[sure])
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.operating_point == ALWAYS
    region = answer.regions[0]
    inside = answer.codes == outliner.manifest.labels.index(region.label)
    assert region.probability == pytest.approx(float(maps.max(axis=0)[inside].mean()), abs=0.05)


def test_a_patch_is_answered_as_before_and_so_is_what_is_to_be_taken_whole(tmp_path: Path) -> None:
    outliner = patch_outliner(tmp_path)
    patch, large = picture((TINY, TINY)), picture()

    assert answered(outliner, patch).heat.shape == (TINY, TINY)
    assert answered(outliner, large, whole=True).timings.preprocess > 0
    assert answered(outliner, large).timings.preprocess == 0


def test_files_are_read_again_when_their_turn_comes(tmp_path: Path) -> None:
    outliner, path = patch_outliner(tmp_path / "bundle"), tmp_path / "large.png"
    Pil.fromarray(picture()).save(path)

    found = outliner.predict(path)

    assert np.array_equal(found.codes, answered(outliner, picture()).codes)
    assert found.source == str(path)


def test_one_that_fails_does_not_keep_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outliner = patch_outliner(tmp_path)
    run, bad = OutlineSession.run, Image(np.zeros((90, 90), np.uint8), 255.0, "bad.png")

    def spoilt(self: OutlineSession, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits, embedding = run(self, batch)
        return (logits * np.nan if batch.max() == 0 else logits), embedding

    monkeypatch.setattr(OutlineSession, "run", spoilt)
    found = list(outliner.stream([bad, Image(picture(), 255.0, "good.png")]))

    assert isinstance(found[0], Failure)
    assert "not a number" in found[0].error.message
    assert isinstance(found[1], OutlinePrediction)


def test_patches_that_the_pipeline_scales_are_laid_back(tmp_path: Path) -> None:
    """A patch of 64 pixels for a network of 32: the map is coarser, and lies where it should."""
    outliner = patch_outliner(tmp_path, patch=(2 * TINY, 2 * TINY))
    assert isinstance(outliner.manifest.pipeline, Pipeline)
    pixels = picture((200, 140))

    answer = answered(outliner, pixels)

    whole = expected(outliner, pixels)[0] >= outliner.manifest.threshold
    both = (whole & (answer.codes > 0)).sum()
    assert 2 * both / (whole.sum() + (answer.codes > 0).sum()) > 0.8


def test_a_task_that_is_not_in_microns_is_not_cut(tmp_path: Path) -> None:
    outliner = patch_outliner(tmp_path)
    plain = Outliner(
        outliner.manifest, replace(outliner.task, microns_per_pixel=None, patch=None), outliner._session, tmp_path
    )

    assert answered(plain, picture()).timings.preprocess > 0


def test_stills_are_cut_into_the_squares_the_network_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outliner = patch_outliner(tmp_path, labels=("pale", "grey", "lesion"), square=2 * TINY)
    run, counts = OutlineSession.run, list[int]()

    def counted(self: OutlineSession, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        counts.append(len(batch))
        return run(self, batch)

    monkeypatch.setattr(OutlineSession, "run", counted)
    answered(outliner, picture((96, 64)))  # width and height
    assert sum(counts) == 2
