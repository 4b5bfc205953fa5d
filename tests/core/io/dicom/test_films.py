"""A film as a still and the same film as a mammogram in DICOM get the same answer."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from pydicom.uid import ExplicitVRLittleEndian

import senoscope
from senoscope.core.domain.prediction import Prediction
from senoscope.core.io import read_bytes
from tests import makers
from tests.conftest import needs
from tests.makers import dicom_files

SYNTAXES = (ExplicitVRLittleEndian, dicom_files.JPEG_2000, dicom_files.JPEG_LS, dicom_files.LOSSLESS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> "senoscope.runtime.predictor.Model":
    return senoscope.load(makers.tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny", task="abnormality"))


def _probability(answer: object) -> float:
    assert isinstance(answer, Prediction)
    return answer.probability


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_wrapped_film_is_the_film(syntax: str) -> None:
    film = makers.ultrasound(3, (96, 80))

    image = read_bytes(dicom_files.film_as_dicom(film, syntax), "film.dcm")

    assert image.maximum == 4095
    np.testing.assert_allclose(image.pixels / 4095, film / 255, atol=0.5 / 4095)


def test_a_wrapped_picture_has_the_probability_of_the_still(
    tmp_path: Path, model: "senoscope.runtime.predictor.Model"
) -> None:
    for seed, syntax in enumerate(SYNTAXES):
        _compare(tmp_path, model, makers.ultrasound(seed, (96, 80), malignant=seed % 2 == 0), syntax)


def test_mini_mias_as_dicom_has_the_probability_of_the_still(
    tmp_path: Path, model: "senoscope.runtime.predictor.Model", data_root: Path
) -> None:
    films = sorted((data_root / "mini_mias").glob("mdb*.pgm"))[:12]
    needs(films, "mini-MIAS is not among the datasets")

    for place, film in enumerate(films):
        _compare(tmp_path, model, np.asarray(Pil.open(film)), SYNTAXES[place % len(SYNTAXES)])


def _compare(folder: Path, model: "senoscope.runtime.predictor.Model", film: NDArray[np.uint8], syntax: str) -> None:
    (folder / "film.dcm").write_bytes(dicom_files.film_as_dicom(film, syntax))
    (folder / "film.png").write_bytes(makers.pil_bytes(film, "PNG"))

    still, wrapped = (_probability(model.predict(folder / name)) for name in ("film.png", "film.dcm"))

    assert wrapped == pytest.approx(still, abs=1e-3)
