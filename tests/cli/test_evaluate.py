import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import typer
from typer.testing import CliRunner

from senoscope.cli.evaluate import evaluate
from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.domain.recipe import SplitRecipe
from senoscope.core.errors import DatasetError, MissingExtraError, SenoscopeError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.splits import write_split
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
        monkeypatch.setattr("senoscope.runtime.store.load", lambda name: self.answers)

    def _samples(self, name: str) -> Any:
        return DATASETS.get(name).index(getattr(self, name)).samples

    def split(self, name: str = "split.csv") -> Path:
        write_split(self.run / name, self.index, self.parts)
        return self.run / name

    def evaluate(self, data: Path, *words: object) -> dict[str, Any]:
        app = typer.Typer()
        app.command()(evaluate)
        given = ["tiny", "--data", data, "--out", self.out, *words]
        result = CliRunner().invoke(app, [str(word) for word in given], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        self.shown = result.output
        report: dict[str, Any] = json.loads((self.out / "report.json").read_text("utf-8"))
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
    monkeypatch.setattr("senoscope.runtime.store.load", lambda name: pytest.fail("it was loaded all the same"))

    with pytest.raises(MissingExtraError):
        place.evaluate(place.busi)
