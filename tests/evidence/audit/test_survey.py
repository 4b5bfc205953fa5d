from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError
from senoscope.evidence.audit.acquisition import KINDS, TITLES, measured, recorded
from senoscope.evidence.audit.survey import Look, survey
from tests.makers import colour, matrix_text, ultrasound


def test_pictures_are_looked_at_once_and_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(70)]
    for number, path in enumerate(paths):
        Pil.fromarray(ultrasound(0, (64 + number, 48))).save(path)
    paths[3].write_bytes(b"broken")
    told: list[int] = []

    found = list(survey([*paths, tmp_path / "absent.png"], progress=told.append))

    assert sum(told) == len(found) == 71
    assert [isinstance(one, InputError) for one in found] == [at in (3, 70) for at in range(71)]
    widths = [one.measured["width"] for one in found if isinstance(one, Look)]
    assert widths == [64 + at for at in range(70) if at != 3]


def test_facts_of_a_picture() -> None:
    pixels = np.zeros((40, 60), np.uint8)
    pixels[10:30, 20:50] = 100
    pixels[15, 30] = 255

    found = measured(Image(pixels, 255), 1200)

    assert (found["width"], found["height"], found["aspect"], found["bytes_per_pixel"]) == (60, 40, 1.5, 0.5)
    assert found["levels"] == 3
    assert found["step"] == pytest.approx(100 / 255)
    assert found["black_border"] == pytest.approx(1 - 600 / 2400)
    assert found["saturated"] == pytest.approx(1 / 2400)
    assert found["edge_mean"] == 0
    assert set(found) <= set(TITLES)
    assert set(TITLES) == set(KINDS)


def test_the_step_of_a_thermogram_is_its_quantisation(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(
        matrix_text(np.round(np.random.default_rng(0).uniform(25, 35, (40, 30)) * 20) / 20), encoding="utf-8"
    )

    (found,) = survey([path])

    assert isinstance(found, Look)
    assert found.measured["step"] * 50 == pytest.approx(0.05, abs=1e-4)
    assert found.marks is None
    assert found.stored_as == "temperature matrix, floating point, grey"


def test_kinds_of_files_are_told(tmp_path: Path) -> None:
    grey = ultrasound(0, (40, 30))
    for name, pixels in (("a.png", grey), ("b.jpg", np.stack([grey] * 3, axis=2)), ("c.bmp", colour(40, 30))):
        Pil.fromarray(pixels).save(tmp_path / name)

    found = [
        one.stored_as
        for one in survey([tmp_path / name for name in ("a.png", "b.jpg", "c.bmp")])
        if isinstance(one, Look)
    ]

    assert found == ["PNG, 8 bits, grey", "JPEG, 8 bits, grey in three channels", "BMP, 8 bits, colour"]


def test_stated_facts_are_those_of_acquisition() -> None:
    facts = {"year": "2013", "age": "40", "machine": ""}

    assert recorded(facts, view="CC") == {"year": "2013", "view": "CC"}
