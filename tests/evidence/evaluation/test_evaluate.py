from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senoscope.core.domain.recipe_parts import SplitRecipe
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluation import Evaluation
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.aggregation import Level
from senoscope.evidence.metrics.intervals import binary_table
from senoscope.runtime.store import load
from tests.evidence.answers import Answers, manifest
from tests.makers import bus_bra, busi


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return DATASETS.get("busi").index(busi(tmp_path_factory.mktemp("data"), images=6))


def measured(*args: Any, **asked: Any) -> Evaluation:
    """The evaluation of a model of two labels."""
    found = evaluate(*args, **asked)
    assert isinstance(found, Evaluation)
    return found


def chances(index: Index, seed: int = 0) -> dict[str, float]:
    random = np.random.default_rng(seed)
    return {s.sample_id: float(0.3 * (s.label == "malignant") + random.uniform(0, 0.7)) for s in index.samples}


def test_figures_come_from_the_answers(data: Index) -> None:
    known = chances(data)
    seen: list[None] = []

    found = measured(Answers(known).as_model(), data, progress=lambda: seen.append(None))

    binary = data.with_labels(("benign", "malignant"))
    expected = binary_table(
        binary.labels_as("malignant"), [known[s.sample_id] for s in binary.samples], binary.groups(), 0.5
    )
    assert found.table == expected
    assert found.answered == expected
    assert (len(found.labels), found.labels.sum(), len(seen)) == (12, 6, 12)
    assert found.unit == "duplicate groups"
    assert "left out, as the task does not know the label: 1 normal" in found.notes
    assert found.metric_table().values == expected


def test_the_operating_point_is_the_one_asked_for(data: Index) -> None:
    found = measured(Answers(chances(data)).as_model(), data, operating_point="screening")

    assert (found.operating_point, found.threshold) == ("screening", 0.2)


def test_abstentions_are_counted_and_left_out_apart(data: Index) -> None:
    doubted = ["benign (1)", "malignant (2)"]

    found = measured(Answers(chances(data), doubted).as_model(), data)

    kept = ~found.abstained
    assert [name for name, out in zip(found.sample_ids, found.abstained, strict=True) if out] == doubted
    assert found.answered == binary_table(found.labels[kept], found.probabilities[kept], found.groups[kept], 0.5)
    assert found.answered != found.table


def test_abstaining_from_a_whole_class_leaves_no_figures(data: Index) -> None:
    doubted = [sample.sample_id for sample in data.samples if sample.label == "malignant"]

    found = measured(Answers(chances(data), doubted).as_model(), data)

    assert found.answered == {}
    assert found.table
    assert any("fewer than two classes" in note for note in found.notes)


def test_unreadable_images_are_named(tmp_path: Path) -> None:
    root = bus_bra(tmp_path, patients=6)
    index = DATASETS.get("bus_bra").index(root)
    victim = root / index.samples[2].path
    victim.write_bytes(victim.read_bytes()[:60])

    found = measured(Answers(dict.fromkeys((s.sample_id for s in index.samples), 0.4)).as_model(), index)

    assert [item.path for item in found.unread] == [index.samples[2].path]
    assert found.unread[0].reason
    assert len(found.labels) == len(index) - 1
    assert found.unit == "patients"


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    root = bus_bra(tmp_path)
    index = DATASETS.get("bus_bra").index(root)
    for sample in index.samples:
        (root / sample.path).write_bytes(b"")

    with pytest.raises(DatasetError, match="none of the 5 images of bus_bra can be read"):
        evaluate(Answers({}).as_model(), index)


@pytest.mark.parametrize("label", ["benign", "malignant"])
def test_one_class_only_is_said_before_anything_is_asked(data: Index, label: str) -> None:
    asked: list[None] = []

    with pytest.raises(DatasetError, match="figures need both classes, and of the 6 samples of busi"):
        evaluate(Answers({}).as_model(), data.with_labels((label,)), progress=lambda: asked.append(None))

    assert asked == []


def test_what_a_level_lacks_is_said_before_anything_is_asked(data: Index, tmp_path: Path) -> None:
    asked: list[None] = []
    known = DATASETS.get("bus_bra").index(bus_bra(tmp_path))
    sideless = replace(known, samples=tuple(replace(sample, laterality="") for sample in known.samples))

    cases: tuple[tuple[Index, Level, str], ...] = (
        (data, "patient", "does not say whose image is whose"),
        (sideless, "breast", "does not say which breast"),
    )

    for index, level, said in cases:
        with pytest.raises(DatasetError, match=said):
            evaluate(Answers({}).as_model(), index, level=level, progress=lambda: asked.append(None))
    with pytest.raises(UsageError, match="a prevalence of 2"):
        evaluate(Answers({}).as_model(), data, prevalence=2, progress=lambda: asked.append(None))

    assert asked == []


def test_level_rule_and_prevalence_are_passed_on(tmp_path: Path) -> None:
    index = DATASETS.get("bus_bra").index(bus_bra(tmp_path, patients=6))

    found = measured(Answers(chances(index)).as_model(), index, level="patient", rule="max", prevalence=0.01)

    assert (found.level, found.rule, len(found.labels)) == ("patient", "max", 6)
    assert found.findings.stated is not None
    assert found.findings.stated.prevalence == 0.01
    assert found.findings.stated.source == manifest().prevalence


def test_leaks_are_found_by_fingerprint(data: Index) -> None:
    binary = data.with_labels(("benign", "malignant"))
    exact, other = binary.fingerprint(), binary.take([0, 6, 7]).fingerprint()
    paper, crossval = SplitRecipe(protocol="paper"), SplitRecipe(mode="crossval")
    external = other.model_copy(update={"name": "elsewhere"})

    cousin = other.model_copy(update={"name": "breastmnist"})

    cases = {
        "the same women": (manifest([cousin]), "", "busi and breastmnist hold some of the same women"),
        "external": (manifest([external]), "", ""),
        "the same": (manifest([exact]), "part 'test' of split.csv", "exactly these images"),
        "unknown": (manifest([other]), "", "trained on images of busi"),
        "held out": (manifest([other]), "part 'test' of split.csv", ""),
        "paper": (manifest([other], paper), "part 'test' of split.csv", "ignores whose image is whose"),
        "refitted": (manifest([other], crossval), "part 'test' of split.csv", "fitted again on all"),
    }

    for name, (bundle, held_out, leak) in cases.items():
        found = measured(Answers(chances(data), of=bundle).as_model(), data, held_out=held_out)
        assert leak in found.leak, name
        assert found.leaky == bool(leak), name


def test_the_card_of_the_shipped_bundle_is_what_an_evaluation_finds(data_root: Path) -> None:
    model = load("ultrasound")
    index = DATASETS.get("bus_bra").index(data_root / "bus_bra")

    found = measured(model, index)

    carried = next(table for table in model.manifest.metrics if table.dataset == "bus_bra")
    assert (carried.images, carried.patients, carried.positives) == (188, 182, int(found.labels.sum()))
    for name, figure in carried.values.items():
        assert found.table[name].value == pytest.approx(figure.value, abs=1e-6)
        assert (found.table[name].low, found.table[name].high) == pytest.approx((figure.low, figure.high), abs=2e-3)
    assert len(found.findings.transfer) == 3
    assert any("not shown to be better than chance" in note for note in found.notes)
