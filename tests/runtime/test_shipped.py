"""The bundles that ship: intact, small, described, and not to be fooled by pictures of another kind."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.domain.chain import ChainManifest
from senoscope.core.domain.image import Image
from senoscope.core.domain.outline_bundle import OutlineManifest
from senoscope.core.tasks import TASKS
from senoscope.evidence.bundles.packing import card
from senoscope.evidence.datasets import DATASETS
from senoscope.runtime.detecting import Detector
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure, Source
from senoscope.runtime.store import ZOO, Manifest, load_any, shipped, verify
from tests.conftest import needs

LARGEST = 15_000_000
"""Bytes of a bundle, however many networks it holds."""
HEADLINES = {"classify": ("sensitivity",), "segment": ("dice", "sensitivity"), "detect": ("froc_1", "sensitivity")}
"""Figures that every card has, by the kind of the answers."""
MANIFESTS = {manifest.name: manifest for manifest in shipped()}
every_bundle = pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=list(MANIFESTS))


Loaded = Model | Outliner | Detector
OF_ULTRASOUND = [name for name, one in MANIFESTS.items() if TASKS.get(one.task).modality == "ultrasound"]


@pytest.fixture(scope="module", params=OF_ULTRASOUND)
def model(request: pytest.FixtureRequest) -> Loaded:
    return load_any(request.param)


def asked(model: Loaded, sources: Sequence[Source]) -> list[Any]:
    """Answers of any kind, one for each picture."""
    answers = list(model.stream(sources))
    assert len(answers) == len(sources)
    assert not any(isinstance(answer, Failure) for answer in answers)
    return answers


def networks(manifest: Manifest) -> set[str]:
    """Files of a bundle's networks."""
    chain = manifest.chain if isinstance(manifest, ChainManifest) else None
    within = chain.within if chain else manifest.within if isinstance(manifest, OutlineManifest) else None
    files = [manifest.model, chain.outline if chain else None, within.boxes if within else None]
    return {file.path for file in files if file}


@every_bundle
def test_bundle_is_intact_and_small(manifest: Manifest) -> None:
    folder = ZOO / manifest.name

    assert verify(manifest.name) == manifest
    assert sum(path.stat().st_size for path in folder.iterdir()) <= LARGEST
    assert {path.name for path in folder.iterdir()} == {"bundle.json", "card.md", *networks(manifest)}


@every_bundle
def test_card_carries_the_figures_of_the_manifest(manifest: Manifest) -> None:
    text = (ZOO / manifest.name / "card.md").read_text(encoding="utf-8")

    assert text == card(manifest)
    assert manifest.metrics
    for table in manifest.metrics:
        assert table.images > 0
        # Where every picture has a lesion, whether one is there cannot be measured.
        everywhere = len(manifest.metrics) > 1 and table.positives == table.images
        for name in [*HEADLINES[TASKS.get(manifest.task).kind], *(() if everywhere else ("roc_auc", "specificity"))]:
            assert str(table.values[name]) in text
    assert "roc_auc" in manifest.metrics[0].values
    assert "not for diagnosis" in text
    assert manifest.license in text


@every_bundle
def test_figures_do_not_leak(manifest: Manifest) -> None:
    assert not any(table.leaky for table in manifest.metrics)


def sampled(paths: list[Path], count: int) -> list[Path]:
    """Every n-th of them, so that they come from all over the set."""
    assert len(paths) >= count
    return sorted(paths)[:: len(paths) // count][:count]


def test_a_cat_is_no_ultrasound(model: Loaded) -> None:
    data = pytest.importorskip("skimage.data")
    needs((Path(data.__file__).parent / "chelsea.png").is_file(), "scikit-image came without its cat")
    cat = data.chelsea()

    colour, grey = asked(model, [Image(cat, 255.0), Image(cat.mean(axis=2).astype(np.uint8), 255.0)])

    assert "out_of_distribution" in {flag.code for flag in grey.trust.flags}
    assert {"unexpected_color", "out_of_distribution"} <= {flag.code for flag in colour.trust.flags}


def _uniform(random: np.random.Generator) -> NDArray[Any]:
    return random.integers(0, 256, (300, 400))


def _normal(random: np.random.Generator) -> NDArray[Any]:
    return np.clip(random.normal(128, 40, (300, 400)), 0, 255)


def _blocks(random: np.random.Generator) -> NDArray[Any]:
    return np.kron(random.integers(0, 256, (30, 40)), np.ones((10, 10)))


@pytest.mark.parametrize("draw", [_uniform, _normal, _blocks])
def test_noise_is_no_ultrasound(model: Loaded, draw: Callable[[np.random.Generator], NDArray[Any]]) -> None:
    images = [Image(draw(np.random.default_rng(seed)).astype(np.uint8), 255.0) for seed in range(5)]

    assert all(answer.abstained for answer in asked(model, images))


@pytest.mark.parametrize(
    ("folder", "pattern"), [("mini_mias", "**/*.pgm"), ("breakhis", "**/*.png"), ("idc", "**/*.png")]
)
def test_pictures_of_other_modalities_are_no_ultrasound(
    model: Loaded, data_root: Path, folder: str, pattern: str
) -> None:
    paths = list((data_root / folder).glob(pattern))
    needs(paths, f"{folder} is not among the datasets")

    answers = asked(model, sampled(paths, 40))

    assert len([answer.source for answer in answers if not answer.abstained]) <= 2


def test_nearly_all_ultrasound_is_answered(model: Loaded, data_root: Path) -> None:
    index = DATASETS.get("busi").index(data_root / "busi").with_labels(("benign", "malignant"))

    answers = asked(model, sampled(index.paths(), 100))

    assert sum(not answer.abstained for answer in answers) >= 95
