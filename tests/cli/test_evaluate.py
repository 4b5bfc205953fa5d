import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import typer
from typer.testing import CliRunner

from senoscope.cli.evaluate import evaluate, named
from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.domain.recipe_parts import SplitRecipe
from senoscope.core.errors import DatasetError, MissingExtraError, SenoscopeError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import write_split
from tests.evidence.answers import Answers, manifest
from tests.makers import bus_bra, busi

assert mpl  # the report needs it, and an install without it leaves these tests out

TRAINED = DatasetFingerprint(name="busi", title="", licence="", citation="", images=1, patients=1, sha256="1" * 64)


class Place:
    """A run folder whose bundle was trained on busi, and both datasets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.busi = busi(folder / "busi")
        self.bus_bra = bus_bra(folder / "bus_bra")
        self.run = folder / "run"
        self.out = folder / "out"
        self.index = DATASETS.get("busi").index(self.busi).with_labels(("benign", "malignant"))
        self.parts = ["test" if int(s.sample_id[-2]) > 2 else "train" for s in self.index.samples]
        names = [s.sample_id for root in ("busi", "bus_bra") for s in self._samples(root)]
        self.answers = Answers({name: 0.3 + 0.4 * (number % 2) for number, name in enumerate(names)})
        self.answers.manifest = manifest([TRAINED])
        self.answers.folder = self.run / "bundle"
        self.others: dict[str, Answers] = {}
        for loader in ("load", "load_any"):
            monkeypatch.setattr(f"senoscope.runtime.store.{loader}", lambda name: self.others.get(name, self.answers))

    def _samples(self, name: str) -> Any:
        return DATASETS.get(name).index(getattr(self, name)).samples

    def split(self, name: str = "split.csv") -> Path:
        write_split(self.run / name, self.index, self.parts)
        return self.run / name

    def other(self, name: str, shift: float, **changes: object) -> None:
        """Another bundle, which answers otherwise."""
        names = [s.sample_id for root in ("busi", "bus_bra") for s in self._samples(root)]
        answers = Answers({key: shift + 0.4 * (number % 3) / 2 for number, key in enumerate(names)})
        answers.manifest = manifest([TRAINED]).model_copy(update={"name": name, **changes})
        self.others[name] = answers

    def evaluate(self, data: Path, *words: object, bundles: Sequence[str] = ("tiny",)) -> dict[str, Any]:
        app = typer.Typer()
        app.command()(evaluate)
        given = [*bundles, "--data", data, "--out", self.out, *words]
        result = CliRunner().invoke(app, [str(word) for word in given], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        self.shown = result.output
        name = "report.json" if len(bundles) == 1 else "comparison.json"
        report: dict[str, Any] = json.loads((self.out / name).read_text("utf-8"))
        return report


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_the_test_part_is_the_default(place: Place) -> None:
    place.split()

    report = place.evaluate(place.busi)

    assert report["counts"]["images"] == place.parts.count("test") == 4
    assert report["protocol"] == "part 'test' of split.csv, divided by patient or duplicate group"
    assert not report["leaky"]
    assert "ROC AUC" in place.shown
    assert (place.out / "report.html").is_file()


@pytest.mark.parametrize("words", [[], ["--protocol", "paper"]])
def test_a_file_where_the_folder_should_be_is_said_before_anything_is_asked(place: Place, words: list[str]) -> None:
    place.out.write_text("mine")

    with pytest.raises(UsageError, match="is a file"):
        place.evaluate(place.bus_bra, "--dataset", "bus_bra", *words)

    assert place.out.read_text() == "mine"


def test_another_split_file_can_be_given(place: Place) -> None:
    assert place.evaluate(place.busi, "--split-file", place.split("other.csv"))["counts"]["images"] == 4


def test_another_dataset_is_external(place: Place) -> None:
    report = place.evaluate(place.bus_bra, "--dataset", "bus_bra", "--operating-point", "screening")

    assert report["counts"]["images"] == 5
    assert report["protocol"].startswith("external")
    assert report["operating_point"] == {"name": "screening", "threshold": 0.2}


@pytest.mark.parametrize("words", [["--split", "all"], ["--split", "train"], ["--split", "validation"]])
def test_training_data_is_refused_with_a_hint(place: Place, words: list[str]) -> None:
    place.split()

    with pytest.raises(DatasetError, match="tiny was trained on") as caught:
        place.evaluate(place.busi, *words)

    assert "--trained-on" in caught.value.hint
    assert not place.out.exists()


@pytest.mark.parametrize(("words", "count"), [(["--split", "all"], 8), (["--split", "train"], 4), ([], 8)])
def test_training_data_on_request_is_marked(place: Place, words: list[str], count: int) -> None:
    place.split()

    report = place.evaluate(place.busi, "--trained-on", *words)

    assert report["counts"]["images"] == count
    assert report["leaky"]
    assert "LEAKY" in place.shown


def test_a_refitted_bundle_has_no_held_out_part(place: Place) -> None:
    place.split()
    place.answers.manifest = manifest([TRAINED], SplitRecipe(mode="crossval"))

    with pytest.raises(DatasetError, match="was trained on all of busi"):
        place.evaluate(place.busi)
    with pytest.raises(DatasetError, match="was trained on all of busi"):
        place.evaluate(place.busi, "--split", "test")
    assert place.evaluate(place.busi, "--trained-on")["leaky"]


@pytest.mark.parametrize(
    ("words", "kind", "problem"),
    [
        ([], DatasetError, r"there is no split\.csv beside"),
        (["--dataset", "bosi"], UsageError, "no dataset 'bosi'"),
        (["--dataset", "bus_bra"], DatasetError, "does not hold bus_bra"),
        (["--split-file", "nowhere.csv"], DatasetError, r"nowhere\.csv cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(place: Place, words: list[str], kind: type[SenoscopeError], problem: str) -> None:
    with pytest.raises(kind, match=problem):
        place.evaluate(place.busi, *words)


def test_a_part_that_is_not_there_is_said(place: Place) -> None:
    place.split()

    with pytest.raises(UsageError, match="no part 'tests'"):
        place.evaluate(place.busi, "--trained-on", "--split", "tests")


def test_a_missing_extra_is_said_before_anything_is_measured(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("senoscope.runtime.store.load_any", lambda name: pytest.fail("it was loaded all the same"))

    with pytest.raises(MissingExtraError):
        place.evaluate(place.busi)


def test_figures_by_patient_are_asked_for_by_level_and_rule(place: Place) -> None:
    words = ["--dataset", "bus_bra", "--level", "patient", "--aggregate", "noisy_or"]

    report = place.evaluate(place.bus_bra, *words)

    assert report["cases"]["level"] == "patient"
    assert report["cases"]["rule"] == "noisy_or"
    assert report["cases"]["count"] == 4
    assert "each patient by 1 − Π(1 − p)" in place.shown
    assert (place.out / "cases.csv").is_file()


def test_a_stated_prevalence_is_shown(place: Place) -> None:
    report = place.evaluate(place.bus_bra, "--dataset", "bus_bra", "--prevalence", "0.006")

    assert report["stated_prevalence"]["prevalence"] == 0.006
    assert "At a prevalence of 0.006: PPV" in place.shown


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--level", "woman"], "--level woman"),
        (["--level", "patient", "--aggregate", "median"], "--aggregate median"),
        (["--aggregate", "max"], "--aggregate pools images"),
        (["--prevalence", "6"], "--prevalence 6"),
        (["--prevalence", "0"], "--prevalence 0"),
        (["--prevalence", "nan"], "--prevalence nan"),
    ],
)
def test_options_that_make_no_sense_are_named(place: Place, words: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        place.evaluate(place.bus_bra, "--dataset", "bus_bra", *words)

    assert not place.out.exists()


def test_several_bundles_are_compared_on_the_same_images(place: Place) -> None:
    place.other("second", 0.1)
    place.other("third", 0.2)

    words = ["--dataset", "bus_bra"]
    report = place.evaluate(place.bus_bra, *words, bundles=["tiny", "second", "best=third"])

    assert [model["name"] for model in report["models"]] == ["tiny", "second", "best"]
    assert [pair["name"] for pair in report["differences"]] == ["second", "best"]
    for name in ("tiny", "second", "best"):
        assert (place.out / name / "report.html").is_file()
    assert (place.out / "comparison.html").is_file()
    assert "after Holm" in place.shown


def test_a_leaky_comparison_says_so(place: Place) -> None:
    place.other("second", 0.1)

    report = place.evaluate(place.busi, "--trained-on", bundles=["tiny", "second"])

    assert report["leaky"]
    assert "second LEAKY" in place.shown
    assert place.shown.count("LEAKY: ") == 2


@pytest.mark.parametrize(
    ("bundles", "problem"),
    [
        (["tiny", "tiny"], "two bundles are called 'tiny'"),
        (["one=tiny", "one=second"], "two bundles are called 'one'"),
        (["one=tiny", "One=second"], "two bundles are called 'one'"),
        (["tiny", "question"], "different tasks"),
        (["tiny", "opposite"], "different positive labels"),
    ],
)
def test_bundles_that_cannot_be_compared_are_refused_before_anything_is_measured(
    place: Place, bundles: list[str], problem: str
) -> None:
    place.other("second", 0.1)
    place.other("question", 0.1, task="biopsy")
    place.other("opposite", 0.1, positive="benign")
    for answers in (place.answers, *place.others.values()):
        answers.stream = lambda *_, **__: pytest.fail("it was asked all the same")  # type: ignore[method-assign]

    with pytest.raises(UsageError, match=problem):
        place.evaluate(place.bus_bra, "--dataset", "bus_bra", bundles=bundles)

    assert not place.out.exists()


def test_a_threshold_that_one_bundle_lacks_is_said_before_anything_is_measured(place: Place) -> None:
    place.other("second", 0.1, operating_points=manifest().operating_points[1:])
    place.answers.stream = lambda *_, **__: pytest.fail("it was asked all the same")  # type: ignore[method-assign]

    with pytest.raises(UsageError, match="second has no operating point 'screening'"):
        place.evaluate(
            place.bus_bra, "--dataset", "bus_bra", "--operating-point", "screening", bundles=["tiny", "second"]
        )


def test_an_answer_that_is_no_probability_names_the_sample(place: Place) -> None:
    victim = place._samples("bus_bra")[2].sample_id
    place.answers._probabilities[victim] = float("nan")

    with pytest.raises(DatasetError, match=f"tiny answered sample '{victim}' with nan"):
        place.evaluate(place.bus_bra, "--dataset", "bus_bra")

    assert not place.out.exists()


def test_a_comparison_that_fails_writes_nothing(place: Place) -> None:
    place.other("second", 0.1)
    victim = place._samples("bus_bra")[2].sample_id
    place.others["second"]._probabilities[victim] = 1.5

    with pytest.raises(DatasetError, match="second answered sample"):
        place.evaluate(place.bus_bra, "--dataset", "bus_bra", bundles=["tiny", "second"])

    assert not place.out.exists()


def test_a_name_is_told_from_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd=folder").mkdir()

    assert named("old=runs/a") == ("old", "runs/a")
    assert named("runs/a") == ("", "runs/a")
    assert named("odd=folder") == ("", "odd=folder")
    assert named("../up=runs/a") == ("", "../up=runs/a")
