"""One sample a picture, with the boxes of all its lesions, or left out where nothing says where they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.boxed import boxed
from tests.makers import busi, cbis_ddsm, mias_lesions

LESIONS, FILMS = TASKS.get("lesions"), TASKS.get("film_lesions")
HERE = Box(3, 4, 10, 8)


def sample(name: str, label: str, path: str = "", **values: object) -> Sample:
    return Sample(name, "p", "p", path or f"{name}.png", label, **values)  # type: ignore[arg-type]


def test_what_is_not_placed_is_left_out_and_said() -> None:
    samples = (
        sample("placed", "lesion", boxes=(HERE,)),
        sample("lost", "lesion"),
        sample("normal", "tissue"),
        # A box says more of the picture than a label of the breast.
        sample("boxed", "tissue", boxes=(HERE,)),
    )

    found = boxed(Index("x", Path("/nowhere"), samples), LESIONS)

    assert [(one.sample_id, one.label) for one in found.samples] == [
        ("placed", "lesion"),
        ("normal", "tissue"),
        ("boxed", "lesion"),
    ]
    assert found.notes == ("left out, as nothing says where the lesion is: 1 images",)


def test_rows_of_one_picture_become_one_sample() -> None:
    other = Box(30, 4, 5, 5)
    samples = (
        sample("a", "lesion", "film.png", boxes=(HERE,), facts={"side": "L", "lesion": "mass"}),
        sample("b", "lesion", "film.png", boxes=(other, HERE), facts={"side": "L", "lesion": "calc"}),
        sample("c", "tissue"),
    )

    found = boxed(Index("x", Path("/nowhere"), samples), LESIONS)

    assert [(one.sample_id, one.path, one.boxes, one.facts) for one in found.samples] == [
        ("a", "film.png", (HERE, other), {"side": "L"}),
        ("c", "c.png", (), {}),
    ]
    assert found.notes == ("1 further rows are of lesions of the same pictures",)


def test_boxes_come_from_masks_where_there_are_no_others(tmp_path: Path) -> None:
    mask = np.zeros((40, 60), np.bool_)
    mask[5:9, 10:30] = True
    Pil.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "a.png")
    Pil.fromarray(mask).save(tmp_path / "mask.png")
    Pil.fromarray(mask[:20]).save(tmp_path / "crop.png")
    samples = (sample("a", "lesion", masks=("mask.png",)), sample("b", "lesion", "a2.png", masks=("crop.png",)))
    Pil.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "a2.png")

    found = boxed(Index("x", tmp_path, samples), LESIONS)

    # A mask of another size than its picture says nothing.
    assert [(one.sample_id, one.boxes) for one in found.samples] == [("a", (Box(10, 5, 20, 4),))]


def test_a_set_without_any_box_is_refused() -> None:
    with pytest.raises(DatasetError, match="needs boxes or masks"):
        boxed(Index("x", Path("/nowhere"), (sample("a", "lesion"), sample("b", "tissue"))), LESIONS)


def test_miniatures_of_busi_and_mini_mias(tmp_path: Path) -> None:
    ultrasound = boxed(DATASETS.get("busi").samples_for(LESIONS, busi(tmp_path / "busi")), LESIONS)
    films = boxed(DATASETS.get("mini_mias").samples_for(FILMS, mias_lesions(tmp_path / "mias", 8)), FILMS)

    assert ultrasound.counts() == {"lesion": 8, "tissue": 1}
    assert {len(one.boxes) for one in ultrasound.samples if one.label == "tissue"} == {0}
    assert max(len(one.boxes) for one in ultrasound.samples) == 2
    assert films.counts() == {"lesion": 6, "tissue": 10}
    # A circle's radius to either side; the square it is around is of 80 pixels.
    assert {(box.width, box.height) for one in films.samples for box in one.boxes} == {(80, 80)}


def test_films_of_cbis_ddsm_are_listed_once(tmp_path: Path) -> None:
    root = cbis_ddsm(tmp_path / "cbis", images=True)
    every = DATASETS.get("cbis_ddsm").samples_for(FILMS, root).with_files()

    found = boxed(every, FILMS)

    assert len({one.path for one in found.samples}) == len(found.samples) < len(every.samples)
    assert all(one.boxes for one in found.samples)
    assert max(len(one.boxes) for one in found.samples) > 1


def test_real_sets_have_a_box_for_nearly_every_lesion(data_root: Path) -> None:
    counts = {}
    for name, task in (("busi", LESIONS), ("bus_bra", LESIONS), ("mini_mias", FILMS)):
        every = DATASETS.get(name).samples_for(task, data_root).with_files()
        found = boxed(every, task)
        counts[name] = len(every.samples) - len(found.samples), found.counts()

    assert counts["busi"] == (0, {"lesion": 506, "tissue": 106})
    assert counts["bus_bra"] == (0, {"lesion": 188})
    lost, labels = counts["mini_mias"]
    assert 1 <= lost <= 8
    assert labels["lesion"] + labels["tissue"] + lost == 260
