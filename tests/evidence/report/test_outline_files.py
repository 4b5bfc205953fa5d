"""Reports on outlines."""

import csv
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from senoscope.core.errors import MissingExtraError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.evaluation.evaluate import evaluate
from senoscope.evidence.evaluation.evaluation import Unread
from senoscope.evidence.evaluation.outlines import OutlineEvaluation
from senoscope.evidence.metrics.outlines import PRESENCE, WORDS
from senoscope.evidence.report.checklists import CLAIM, TRIPOD
from senoscope.evidence.report.files import write_report
from senoscope.evidence.report.outline_disclosed import known
from senoscope.evidence.report.outline_files import COLUMNS
from senoscope.runtime.outlining import Outliner
from senoscope.runtime.store import load_any
from tests.evidence.report.test_files import HOSTILE, page
from tests.makers import busi_outlined, tiny_outline_bundle

assert mpl  # the report needs it, and an install without it leaves these tests out


def measured(folder: Path, *, calibrated: bool = True) -> OutlineEvaluation:
    index = DATASETS.get("busi").samples_for(TASKS.get("ultrasound_outline"), busi_outlined(folder / "busi", images=6))
    model = load_any(tiny_outline_bundle(folder / "tiny", calibrated=calibrated), threads=1)
    assert isinstance(model, Outliner)
    found = evaluate(model, index)
    assert isinstance(found, OutlineEvaluation)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> OutlineEvaluation:
    return measured(tmp_path_factory.mktemp("found"))


def test_the_page_stands_alone(found: OutlineEvaluation, tmp_path: Path) -> None:
    path = write_report(found, tmp_path / "new" / "out")

    parsed = page(path.parent)
    assert parsed.tags.count("svg") == 3
    assert not {"script", "img", "iframe", "link"} & set(parsed.tags)
    assert all(link.startswith("#") for link in parsed.links)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert {"#figures", "#presence", "#curves", "#worst", "#subgroups", "#checklists"} <= set(parsed.links)
    assert "Research use only" in parsed.text
    assert "LEAKY" not in parsed.text
    assert not re.search(r"#0[1a0d]0[2be]0[3cf]", path.read_text("utf-8"))


def test_numbers_on_the_page_are_those_in_the_json(found: OutlineEvaluation, tmp_path: Path) -> None:
    write_report(found, tmp_path)

    text = " ".join(page(tmp_path).text.split())
    content = (tmp_path / "report.json").read_text("utf-8")
    report = json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert set(report["figures"]["all"]) == set(WORDS)
    shown = [*report["figures"]["all"].values(), report["subgroups"][0]["figures"]["dice"]]
    assert len([figure for figure in shown if figure]) == len(WORDS) + 1
    for figure in filter(None, shown):
        assert f"{figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})" in text
    assert report["counts"] == {
        "images": 18,
        "groups": found.dataset.patients,
        "unit": "duplicate groups",
        "positives": 12,
        "abstained": int(found.abstained.sum()),
        "unread": 0,
    }
    assert report["marking"] == {"threshold": 0.5, "smallest": 0.005}
    assert report["operating_point"] == {"name": "balanced", "threshold": 0.5}
    assert report["figures"]["all"]["dice"] == found.table["dice"].model_dump()
    assert report["subgroups"][2]["figures"]["dice"] is None
    assert "The threshold was not chosen on these answers." in text


def test_the_worst_ten_are_named(found: OutlineEvaluation, tmp_path: Path) -> None:
    write_report(found, tmp_path)

    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    dices = {sample.sample_id: fit.dice for sample, fit in zip(found.samples.samples, found.fits, strict=True)}
    assert len(report["worst"]) == 10
    assert [dices[name] for name in report["worst"]] == sorted(dice for dice in dices.values() if dice == dice)[:10]
    rows = page(tmp_path).rows
    assert all(any(row.startswith(f"{name}\t{dices[name]:.3f}\t") for row in rows) for name in report["worst"])


def test_every_picture_has_a_row(found: OutlineEvaluation, tmp_path: Path) -> None:
    write_report(found, tmp_path)

    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["sample_id"] for row in rows] == [sample.sample_id for sample in found.samples.samples]
    inside = [row for row in rows if row["truth"] == "1"]
    assert np.mean([float(row["dice"]) for row in inside]) == pytest.approx(found.table["dice"].value)
    assert np.median([float(row["hd95"]) for row in inside]) == pytest.approx(found.table["hd95_median"].value)
    for row, one in zip(rows, found.fits, strict=True):
        assert (int(row["true_pixels"]), int(row["marked_pixels"])) == (one.truth, one.marked)
        assert (row["dice"] == row["hd95"] == "") == (row["truth"] == "0")
        assert 0 <= float(row["probability"]) <= 1


def test_without_presence_nothing_is_said_of_it(tmp_path: Path) -> None:
    found = measured(tmp_path, calibrated=False)

    write_report(found, tmp_path / "out")

    parsed = page(tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert parsed.tags.count("svg") == 2
    assert "#presence" not in parsed.links
    assert all(report["figures"]["all"][name] is None for name in PRESENCE)
    assert report["operating_point"] == {"name": "", "threshold": None}
    assert report["curves"] == {}


def test_a_leak_is_said_in_red(found: OutlineEvaluation, tmp_path: Path) -> None:
    write_report(replace(found, leak="the split ignores patients"), tmp_path)

    text = page(tmp_path).text
    assert "LEAKY These figures are too good: the split ignores patients." in text
    for heading in ("Outlines", "Whether there is a region at all", "Curves", "Worst outlines", "Subgroups"):
        assert f"{heading} LEAKY" in text
    assert "The threshold was not chosen on these answers." not in text
    assert json.loads((tmp_path / "report.json").read_text())["leaky"] is True


def test_hostile_text_stays_text(found: OutlineEvaluation, tmp_path: Path) -> None:
    samples = tuple(
        replace(sample, sample_id=f"{HOSTILE}{row}", facts={"pathology": HOSTILE})
        for row, sample in enumerate(found.samples.samples)
    )
    words: dict[str, Any] = dict.fromkeys(
        ("title", "bundle", "version", "operating_point", "protocol", "leak"), HOSTILE
    )
    spoilt = replace(
        found,
        **words,
        positive=HOSTILE,
        unread=(Unread(HOSTILE, HOSTILE),),
        notes=(HOSTILE,),
        samples=replace(found.samples, samples=samples),
        subgroups=tuple(replace(group, fact=HOSTILE, value=HOSTILE) for group in found.subgroups),
    )

    write_report(spoilt, tmp_path)

    parsed = page(tmp_path)
    assert "script" not in parsed.tags
    assert parsed.text.count("alert(1)") > 20


def test_checklists_are_filled_with_what_is_known(found: OutlineEvaluation) -> None:
    names = {key for *_, key in (*CLAIM, *TRIPOD) if key}

    told = known(found)

    assert set(told) <= names
    assert str(found.table["dice"]) in told["performance"]
    assert str(found.table["specificity"]) in told["accuracy"]
    assert "18 images" in told["numbers"]
    assert "masks" in told["outcome"]
    assert told["technology"] == "deep learning: unet on mobilenetv2_100"
    assert "benign (6)" in told["characteristics"]
    unknown = known(replace(found, manifest=None, recipe=None))
    assert not {"technology", "use", "model", "training", "start", "output", "explanation"} & set(unknown)


def test_without_matplotlib_nothing_is_written(
    found: OutlineEvaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtraError):
        write_report(found, tmp_path / "out")
    assert not (tmp_path / "out").exists()
