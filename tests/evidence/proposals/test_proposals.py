"""Proposals by colour: where haematoxylin is dense, never over a reader's mask, and what they are worth."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError, UsageError
from senoscope.core.preprocess.stains import ruifrok
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.proposals.colour import Method, Settings, colours_of, proposed
from senoscope.evidence.proposals.judging import worth
from senoscope.evidence.proposals.sources import Picture, of_dataset, of_folder
from senoscope.evidence.proposals.writing import propose
from senoscope.evidence.tables.rows import read_rows
from tests.makers import idc
from tests.makers.training_sets import training_set

assert scipy  # proposals need it, and an install without it leaves these tests out

SETTINGS = Settings(smooth=2.0, least=20.0)
NEST = (slice(10, 50), slice(15, 60))


def stained(seed: int = 0, nest: tuple[slice, slice] = NEST) -> NDArray[np.uint8]:
    """A picture of 80 × 90 pixels, pink with little haematoxylin but for a nest that has much, and a rim of glass."""
    random = np.random.default_rng(seed)
    amounts = np.stack([random.uniform(0.15, 0.3, (80, 90)), random.uniform(0.3, 0.6, (80, 90))])
    amounts[0][nest] = random.uniform(0.8, 1.2, amounts[0][nest].shape)
    amounts[:, :, 80:] = 0
    vectors = np.array([[0.55, 0.76, 0.35], [0.25, 0.91, 0.33]])
    light: NDArray[np.float64] = 10 ** -np.einsum("sc,shw->hwc", vectors, amounts)
    found: NDArray[np.uint8] = np.rint(255 * light).astype(np.uint8)
    return found


def written(folder: Path, count: int = 3) -> Path:
    (folder / "a").mkdir(parents=True)
    for number in range(count):
        Pil.fromarray(stained(number)).save(folder / "a" / f"{number}.png")
    return folder


@pytest.mark.parametrize("method", ["macenko", "ruifrok"])
def test_the_nest_is_found_and_little_else(method: Method) -> None:
    image = Image(stained(), 255.0)
    settings = Settings(method, 2.0, 20.0)

    mask = proposed(image, 1.0, colours_of([(image, 1.0)], settings), settings)

    truth = np.zeros(mask.shape, bool)
    truth[NEST] = True
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.9


def test_a_coarser_grid_finds_the_same() -> None:
    image = Image(np.kron(stained(), np.ones((4, 4, 1), np.uint8)), 255.0)
    small = Image(stained(), 255.0)

    fine, coarse = (
        proposed(one, microns, colours_of([(one, microns)], SETTINGS), SETTINGS)
        for one, microns in ((image, 0.25), (small, 1.0))
    )

    assert (fine[2::4, 2::4] == coarse).mean() > 0.98


def test_specks_are_left_out_and_sizes_are_micrometres() -> None:
    pixels = stained()
    pixels[70:73, 5:8] = pixels[20, 20]
    image = Image(pixels, 255.0)
    colours = colours_of([(image, 1.0)], Settings(smooth=0.5, least=1.0))

    kept = proposed(image, 1.0, colours, Settings(smooth=0.5, least=4.0))
    without = proposed(image, 1.0, colours, Settings(smooth=0.5, least=40.0))
    larger = proposed(image, 4.0, colours, Settings(smooth=2.0, least=40.0))

    assert kept[71, 6]
    assert not without[71, 6]
    assert larger[71, 6]


@pytest.mark.parametrize(
    ("colour", "method", "words"),
    [
        ((255, 255, 255), "macenko", "no colour of a stain is found"),
        ((255, 255, 255), "ruifrok", "there is no tissue"),
        ((90, 40, 100), "macenko", "all stained pixels have one colour"),
        ((90, 40, 100), "ruifrok", "haematoxylin lies evenly"),
    ],
)
def test_pictures_that_cannot_be_parted_are_said(colour: tuple[int, int, int], method: Method, words: str) -> None:
    image = Image(np.full((60, 60, 3), colour, np.uint8), 255.0)

    with pytest.raises(InputError, match=words):
        colours_of([(image, 1.0)], Settings(method))


@pytest.mark.parametrize("method", ["macenko", "ruifrok"])
def test_pictures_without_colour_are_said(method: Method) -> None:
    image = Image(np.random.default_rng(0).integers(0, 256, (60, 60)).astype(np.uint8), 255.0)

    with pytest.raises(InputError, match="a grey picture says nothing of stains"):
        colours_of([(image, 1.0)], Settings(method))


def test_masks_outlines_and_the_table_say_the_same(tmp_path: Path) -> None:
    root = written(tmp_path / "scans")

    rows = propose(of_folder(root, 1.0), root, tmp_path / "out", SETTINGS)

    assert [row["path"] for row in rows] == [f"a/{number}.png" for number in range(3)]
    assert read_rows(tmp_path / "out" / "proposals.csv", tuple(rows[0])) == rows
    for row in rows:
        assert row["status"] == "proposed"
        mask = np.asarray(Pil.open(tmp_path / "out" / row["mask"]))
        assert set(np.unique(mask)) == {0, 255}
        assert float(row["share"]) == pytest.approx((mask > 0).mean(), abs=1e-6)
        features = json.loads((tmp_path / "out" / row["outlines"]).read_text())["features"]
        assert len(features) == int(row["regions"])
        rings = [ring for feature in features for ring in feature["geometry"]["coordinates"]]
        # Clockwise rings add, holes take away: their areas are the mask's pixels.
        assert abs(sum(area(ring) for ring in rings)) == (mask > 0).sum()
        assert np.linalg.norm([float(value) for value in row["haematoxylin"].split()]) == pytest.approx(1, abs=1e-3)


def area(ring: list[list[int]]) -> float:
    x, y = np.array(ring, float).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def test_it_goes_on_where_it_stopped_and_leaves_readers_masks_alone(tmp_path: Path) -> None:
    root, out = written(tmp_path / "scans"), tmp_path / "out"
    reader = np.zeros((80, 90), np.uint8)
    reader[5:9, 5:9] = 255
    (out / "masks" / "a").mkdir(parents=True)
    Pil.fromarray(reader).save(out / "masks" / "a" / "1.png")

    first = propose(of_folder(root, 1.0), root, out, SETTINGS)
    made = (out / first[0]["mask"]).stat().st_mtime_ns
    Pil.fromarray(reader).save(out / "masks" / "a" / "2.png")
    (out / "proposals.csv").unlink()
    again = propose(of_folder(root, 1.0), root, out, SETTINGS)

    assert [row["status"] for row in first] == ["proposed", "kept", "proposed"]
    assert [(row["status"], row["note"]) for row in again[1:]] == [
        ("kept", "another file lies there"),
        ("kept", "changed since"),
    ]
    assert (out / first[0]["mask"]).stat().st_mtime_ns == made
    for number in (1, 2):
        np.testing.assert_array_equal(np.asarray(Pil.open(out / "masks" / "a" / f"{number}.png")), reader)


def test_a_run_that_was_killed_in_a_group_knows_its_own_masks(tmp_path: Path) -> None:
    root, out = written(tmp_path / "scans", 1), tmp_path / "out"
    propose(of_folder(root, 1.0), root, out, SETTINGS)
    for part in (out / "parts").iterdir():
        part.unlink()

    assert [row["status"] for row in propose(of_folder(root, 1.0), root, out, SETTINGS)] == ["proposed"]


def test_what_is_refused(tmp_path: Path) -> None:
    root, out = written(tmp_path / "scans", 1), tmp_path / "out"
    pictures = of_folder(root, 1.0)
    propose(pictures, root, out, SETTINGS)

    with pytest.raises(UsageError, match="proposals of other settings"):
        propose(pictures, root, out, Settings("ruifrok"))
    for inside in (root, root / "a"):
        with pytest.raises(UsageError, match="lies among the pictures"):
            propose(pictures, root, inside, SETTINGS)
    with pytest.raises(UsageError, match="how large is a pixel"):
        of_folder(root, None)
    busi = DATASETS.get("busi")
    assert busi.modality != "histopathology"


def test_pictures_of_one_name_and_two_kinds_have_masks_of_their_own(tmp_path: Path) -> None:
    root, out = written(tmp_path / "scans", 2), tmp_path / "out"
    Pil.fromarray(stained(5, (slice(30, 70), slice(30, 70)))).save(root / "a" / "1.tif")

    rows = propose(of_folder(root, 1.0), root, out, SETTINGS)

    assert [(row["path"], row["status"], row["mask"]) for row in rows] == [
        ("a/0.png", "proposed", "masks/a/0.png"),
        ("a/1.png", "proposed", "masks/a/1.png.png"),
        ("a/1.tif", "proposed", "masks/a/1.tif.png"),
    ]
    assert len({(out / row["mask"]).read_bytes() for row in rows}) == 3


def test_proposals_of_pixels_of_another_size_are_not_taken_for_these(tmp_path: Path) -> None:
    root, out = written(tmp_path / "scans", 1), tmp_path / "out"
    propose(of_folder(root, 1.0), root, out, SETTINGS)

    with pytest.raises(UsageError, match="pixels of another size"):
        propose(of_folder(root, 0.5), root, out, SETTINGS)


def test_pictures_that_fail_are_told_and_the_rest_go_on(tmp_path: Path) -> None:
    root = written(tmp_path / "scans", 1)
    (root / "broken.png").write_bytes(b"no picture")
    Pil.fromarray(np.full((60, 60), 90, np.uint8)).save(root / "grey.png")
    Pil.fromarray(np.full((60, 60, 3), 255, np.uint8)).save(root / "white.png")

    rows = {row["path"]: row for row in propose(of_folder(root, 1.0), root, tmp_path / "out", SETTINGS)}

    assert {path: row["status"] for path, row in rows.items()} == {
        "a/0.png": "proposed",
        "broken.png": "failed",
        "grey.png": "failed",
        "white.png": "failed",
    }
    assert "grey" in rows["grey.png"]["note"]
    assert "no colour of a stain" in rows["white.png"]["note"]


def test_a_set_with_masks_is_judged_pixel_by_pixel(tmp_path: Path) -> None:
    root = training_set("bcss", "tissue_outline", tmp_path)
    index = DATASETS.get("bcss").index(root)

    rows = propose(of_dataset(index, None), root, tmp_path / "out", Settings("ruifrok", 1.0, 5.0))
    found = worth(index, rows, tmp_path / "out")

    assert {row["microns"] for row in rows} == {"0.25"}
    assert found is not None
    assert (found.pictures, found.groups) == (9, 9)
    # Tumour is drawn dark there, and stroma pale: pixels outside of the region and excluded ones do not count.
    both = marked = true = 0
    for sample, row in zip(index.samples, rows, strict=True):
        codes = np.asarray(Pil.open(root / sample.masks[0]))
        mask = np.asarray(Pil.open(tmp_path / "out" / row["mask"])) > 0
        known = (codes != 0) & (codes != 7)
        both += int((mask & (codes == 1)).sum())
        marked += int((mask & known).sum())
        true += int((codes == 1).sum())
    assert found.table["dice"].value == pytest.approx(2 * both / (marked + true))
    assert found.table["iou"].value == pytest.approx(both / (marked + true - both))
    assert found.table["dice"].low <= found.table["dice"].value <= found.table["dice"].high
    assert found.table["dice"].value > 0.7


def test_a_set_with_labels_alone_is_judged_by_them(tmp_path: Path) -> None:
    root = training_set("idc", "idc", tmp_path)
    index = DATASETS.get("idc").index(root)

    rows = propose(of_dataset(index, None), root, tmp_path / "out", Settings("ruifrok", 8.0, 64.0))
    found = worth(index, rows, tmp_path / "out")

    assert {row["microns"] for row in rows} == {"8.0"}
    assert found is not None
    assert "idc_positive" in found.beside
    # Patches with carcinoma are darker there.
    assert found.table["roc_auc"].value > 0.9
    assert found.groups == 18


def test_a_pixels_size_is_never_guessed(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    assert {picture.microns for picture in of_dataset(DATASETS.get("idc").index(idc(tmp_path / "tiny")), None)} == {8.0}
    index = DATASETS.get("breakhis").index(training_set("breakhis", "biopsy", tmp_path))

    with pytest.raises(UsageError, match="how large is a pixel"):
        of_dataset(index, None)
    first: Picture = of_dataset(index, 0.65)[0]
    assert first.microns == 0.65
    assert ruifrok().shape == (2, 3)
