"""How surely there is a region at all, and what a manifest of outlines says."""

from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.outline_bundle import OutlineManifest, score
from senoscope.runtime.store import read_manifest
from tests.makers import tiny_outline_bundle

CHANCES = np.linspace(0.01, 0.99, 100, dtype=np.float32).reshape(10, 10)


def manifest(folder: Path, *, calibrated: bool = True) -> OutlineManifest:
    found = read_manifest(tiny_outline_bundle(folder, calibrated=calibrated))
    assert isinstance(found, OutlineManifest)
    return found


@pytest.mark.parametrize(("smallest", "count"), [(0.0, 1), (0.01, 1), (0.1, 10), (0.999, 100)])
def test_the_score_is_of_the_likeliest_pixels(smallest: float, count: int) -> None:
    mean = np.sort(CHANCES.ravel())[-count:].mean()

    shuffled = np.random.default_rng(0).permutation(CHANCES.ravel()).reshape(CHANCES.shape)
    assert score(shuffled, smallest) == pytest.approx(np.log(mean / (1 - mean)), abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certainty_stays_a_number(value: float) -> None:
    assert np.isfinite(score(np.full((4, 4), value, np.float32), 0.1))


def test_a_manifest_has_points_where_it_is_calibrated(tmp_path: Path) -> None:
    sure, unsure = manifest(tmp_path / "a"), manifest(tmp_path / "b", calibrated=False)

    default, named = sure.point(), sure.point("screening")
    assert default is not None
    assert named is not None
    assert (default.name, named.threshold, sure.prevalence) == ("balanced", 0.2, 0.8)
    assert (unsure.point(), unsure.prevalence) == (None, 1.0)
