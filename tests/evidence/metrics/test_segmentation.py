import sys

import numpy as np
import pytest
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist
from skimage.metrics import hausdorff_distance
from sklearn.metrics import f1_score, jaccard_score

from senoscope.core.errors import DatasetError, MissingExtraError
from senoscope.evidence.metrics.segmentation import overlap, surface_distances


def blobs(seed: int, shape: tuple[int, ...] = (40, 50)) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping ellipses with a rough edge."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"))

    def blob() -> np.ndarray:
        centre = [size / 2 + random.uniform(-4, 4) for size in shape]
        radii = [size * random.uniform(0.15, 0.3) for size in shape]
        away = sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radii, strict=True))
        return np.asarray(away + random.normal(0, 0.1, shape) < 1)

    return blob(), blob()


@pytest.mark.parametrize("seed", range(4))
def test_shares_equal_the_reference(seed: int) -> None:
    truth, marked = blobs(seed)

    found = overlap(truth.astype(np.uint8) * 255, marked)

    assert found.dice == pytest.approx(f1_score(truth.ravel(), marked.ravel()), abs=1e-12)
    assert found.iou == pytest.approx(jaccard_score(truth.ravel(), marked.ravel()), abs=1e-12)
    assert found.sensitivity == pytest.approx((truth & marked).sum() / truth.sum())
    assert found.precision == pytest.approx((truth & marked).sum() / marked.sum())
    assert found.volume_ratio == pytest.approx(marked.sum() / truth.sum())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("shape", "spacing"), [((40, 50), (1, 1)), ((40, 50), (0.3, 1.7)), ((9, 20, 24), (4, 1, 0.5))])
def test_distances_equal_those_of_every_pair_of_outline_points(
    seed: int, shape: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    truth, marked = blobs(seed, shape)
    outlines = [np.argwhere(mask & ~binary_erosion(mask)) * np.array(spacing) for mask in (truth, marked)]
    pairs = cdist(*outlines)
    there, back = pairs.min(axis=1), pairs.min(axis=0)

    found = surface_distances(truth, marked, spacing)

    assert found.hausdorff == pytest.approx(max(there.max(), back.max()), abs=1e-9)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-9)
    assert found.mean == pytest.approx((there.sum() + back.sum()) / (len(there) + len(back)), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_distance_equals_the_reference(seed: int) -> None:
    truth, marked = blobs(seed)
    outlines = [mask & ~binary_erosion(mask) for mask in (truth, marked)]

    assert surface_distances(truth, marked).hausdorff == pytest.approx(hausdorff_distance(*outlines), abs=1e-9)


def test_a_region_at_the_edge_has_an_outline_there() -> None:
    truth = np.ones((6, 6), bool)
    marked = truth.copy()
    marked[:, 5] = False

    found = surface_distances(truth, marked)

    assert found.hausdorff == 1.0


def test_the_same_mask_is_at_no_distance() -> None:
    truth, _ = blobs(0)

    assert surface_distances(truth, truth) == surface_distances(~truth & False, ~truth & False)
    assert overlap(truth, truth).dice == 1


def test_empty_masks_are_defined() -> None:
    nothing, something = np.zeros((30, 40)), np.zeros((30, 40))
    something[3:5, 4:9] = 1

    both, missed, invented = overlap(nothing, nothing), overlap(something, nothing), overlap(nothing, something)

    assert (both.dice, both.iou, both.sensitivity, both.precision) == (1, 1, 1, 1)
    assert (missed.dice, missed.iou, missed.sensitivity, missed.precision) == (0, 0, 0, 0)
    assert (invented.dice, invented.iou, invented.sensitivity, invented.precision) == (0, 0, 1, 0)
    assert np.isnan(invented.volume_ratio)
    assert missed.volume_ratio == 0
    for masks in ((something, nothing), (nothing, something)):
        found = surface_distances(*masks, spacing=(2, 2))
        assert found.hausdorff == found.hd95 == found.mean == pytest.approx(100)


@pytest.mark.parametrize("spacing", [0, -1, np.nan, (1, 2, 3), np.ones((2, 2))])
def test_spacings_that_do_not_fit_are_refused(spacing: float) -> None:
    truth, marked = blobs(0)

    with pytest.raises(DatasetError, match="spacing"):
        surface_distances(truth, marked, spacing)


@pytest.mark.parametrize(("first", "second"), [((3, 4), (4, 3)), ((0, 3), (0, 3)), ((), ())])
def test_masks_that_do_not_fit_are_refused(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    for compare in (overlap, surface_distances):
        with pytest.raises(DatasetError, match="cannot be compared"):
            compare(np.ones(first), np.ones(second))


def test_without_scipy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)

    with pytest.raises(MissingExtraError, match="distances between outlines"):
        surface_distances(*blobs(0))
