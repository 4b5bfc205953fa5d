import csv
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from senoscope.core.domain.bundle import BundleManifest
from senoscope.core.errors import DatasetError, MissingExtraError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.classification import FIGURES
from senoscope.evidence.report.files import Evaluation, Unread, assess, write_report
from senoscope.evidence.report.page import SUBGROUP_FIGURES
from tests.evidence.answers import manifest
from tests.makers import bus_bra, busi

HOSTILE = '"><script>alert(1)</script> $title ${x} $$'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = DATASETS.get("busi").index(busi(tmp_path_factory.mktemp("data"), images=6))
    return index.with_labels(("benign", "malignant"))


def made(data: Index, **changes: Any) -> Evaluation:
    labels = data.labels_as("malignant")
    probabilities = np.clip(0.3 * labels + np.random.default_rng(0).uniform(0, 0.7, len(labels)), 0, 1)
    given: dict[str, Any] = {
        "positive": "malignant",
        "title": "tiny on busi",
        "bundle": "tiny",
        "version": "1",
        "threshold": 0.5,
        "operating_point": "balanced",
        "protocol": "grouped",
        "replicates": 100,
    }
    return assess(data, probabilities, **(given | changes))


class Page(HTMLParser):
    """Collects what matters of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.rows: list[str] = []
        self.text = ""
        self._in_row = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self._in_row = True
            self.rows.append("")
        elif tag == "td" and self.rows:
            self.rows[-1] += "\t"
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_row = tag not in ("tr", "table") and self._in_row

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_row:
            self.rows[-1] += data


def page(folder: Path) -> Page:
    parsed = Page()
    parsed.feed((folder / "report.html").read_text("utf-8"))
    return parsed


def test_the_page_stands_alone(data: Index, tmp_path: Path) -> None:
    path = write_report(made(data), tmp_path / "new" / "out")

    parsed = page(path.parent)
    assert path == tmp_path / "new" / "out" / "report.html"
    assert parsed.tags.count("svg") == 6
    assert not {"script", "img", "iframe", "link"} & set(parsed.tags)
    assert all(link.startswith("#") for link in parsed.links)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert {"#figures", "#calls", "#curves", "#calibration", "#prevalence", "#checklists"} <= set(parsed.links)
    assert "Research use only" in parsed.text
    assert "LEAKY" not in parsed.text
    assert not re.search(r"#0[1a0d]0[2be]0[3cf]", (tmp_path / "new" / "out" / "report.html").read_text("utf-8"))


def test_the_page_shows_figures_counts_and_notes(data: Index, tmp_path: Path) -> None:
    abstained = np.arange(12) == 3
    found = made(data, abstained=abstained, unread=[Unread("gone.png", "truncated")], notes=["mind the gap"])

    write_report(found, tmp_path)

    text = " ".join(page(tmp_path).text.split())
    assert f"{found.table['roc_auc'].value:.3f}" in text
    assert f"{found.answered['roc_auc'].value:.3f} ({found.answered['roc_auc'].low:.3f}" in text
    assert "12, of them 6 malignant (50.0%)" in text
    assert "1 (8.3%), of them 0 positive" in text
    assert re.search(r"Duplicate groups ?12 ?Figures are of ?each image by itself ?Abstained", text)
    assert "gone.png: truncated" in text
    assert "mind the gap" in text
    assert "100 replicates" in text


def test_a_leak_is_said_in_red(data: Index, tmp_path: Path) -> None:
    write_report(made(data, leak="the split ignores patients"), tmp_path)

    text = page(tmp_path).text
    assert "LEAKY These figures are too good: the split ignores patients." in text
    for heading in ("Figures", "Calls", "Curves", "Calibration", "At other prevalences"):
        assert f"{heading} LEAKY" in text
    assert json.loads((tmp_path / "report.json").read_text())["leaky"] is True


def test_hostile_text_stays_text(data: Index, tmp_path: Path) -> None:
    found = made(
        data,
        **dict.fromkeys(("title", "bundle", "version", "operating_point", "protocol", "leak"), HOSTILE),
        unread=[Unread(HOSTILE, HOSTILE)],
        notes=[HOSTILE],
    )
    dataset = found.dataset.model_copy(update=dict.fromkeys(("title", "licence", "citation"), HOSTILE))

    write_report(replace(found, dataset=dataset, positive=HOSTILE), tmp_path)

    parsed = page(tmp_path)
    assert "script" not in parsed.tags
    assert parsed.text.count("alert(1)") > 10


def test_hostile_facts_stay_text(data: Index, tmp_path: Path) -> None:
    marked = tuple(replace(s, facts={"machine": HOSTILE if row % 2 else "A"}) for row, s in enumerate(data.samples))

    write_report(made(replace(data, samples=marked)), tmp_path)

    parsed = page(tmp_path)
    assert "script" not in parsed.tags
    assert parsed.text.count("alert(1)") >= 2


def test_the_json_holds_everything_and_no_nan(data: Index, tmp_path: Path) -> None:
    found = made(data, threshold=1.0, abstained=found_abstained(), unread=[Unread("gone.png", "truncated")])

    write_report(found, tmp_path)

    text = (tmp_path / "report.json").read_text("utf-8")
    report = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert set(report["figures"]["all"]) == set(FIGURES)
    assert report["figures"]["all"]["ppv"] is None
    assert report["figures"]["all"]["roc_auc"] == found.table["roc_auc"].model_dump()
    assert report["counts"] == {
        "images": 12,
        "groups": 12,
        "unit": "duplicate groups",
        "positives": 6,
        "abstained": 1,
        "unread": 1,
    }
    assert report["confusion"] == {
        "true_positives": 0,
        "false_positives": 0,
        "true_negatives": 6,
        "false_negatives": 6,
    }
    assert report["curves"]["roc"]["thresholds"][0] is None
    assert report["curves"]["roc"]["sensitivity"][-1] == 1.0
    assert report["dataset"]["sha256"] == data.fingerprint().sha256
    assert "ppv is undefined at this threshold (0/0)" in report["notes"]
    assert report["format"] == 2
    assert report["cases"] == {"level": "image", "rule": None, "count": 12, "positives": 6}
    assert report["delong"]["value"] == pytest.approx(report["figures"]["all"]["roc_auc"]["value"])
    assert all(row["ppv"] is None for row in report["predictive_values"])


def test_numbers_on_the_page_are_those_in_the_json(data: Index, tmp_path: Path) -> None:
    sites = tuple(replace(s, facts={"site": "North" if row % 2 else "South"}) for row, s in enumerate(data.samples))
    found = made(replace(data, samples=sites), prevalence=0.006, manifest=elsewhere())

    write_report(found, tmp_path)

    text = " ".join(page(tmp_path).text.split())
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    shown = [
        *report["figures"]["all"].values(),
        *report["exact"].values(),
        *report["recalibration"].values(),
        *(row[name] for row in report["predictive_values"] for name in ("ppv", "npv")),
        *(row[name] for row in report["threshold_transfer"] for name in ("sensitivity", "specificity")),
        *(group["figures"][name] for group in report["subgroups"] for name in SUBGROUP_FIGURES),
        report["delong"],
    ]
    assert len(shown) > 40
    for figure in shown:
        to = " to " if figure["low"] < 0 else "–"
        assert f"{figure['value']:.3f} ({figure['low']:.3f}{to}{figure['high']:.3f})" in text
    assert {group["value"] for group in report["subgroups"]} == {"North", "South"}
    assert all(group["few"] for group in report["subgroups"])
    assert "too few to conclude anything" in text
    assert [row["name"] for row in report["threshold_transfer"]] == [row.name for row in found.findings.transfer]


def test_every_item_of_both_checklists_is_on_the_page_and_in_the_json_once(data: Index, tmp_path: Path) -> None:
    write_report(made(data, manifest=elsewhere()), tmp_path)

    parsed = page(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert [len(checklist["items"]) for checklist in report["checklists"]] == [44, 52]
    assert parsed.tags.count("details") == 2
    for checklist in report["checklists"]:
        numbers = [item["number"] for item in checklist["items"]]
        assert len(set(numbers)) == len(numbers)
        for item in checklist["items"]:
            row = f"{item['number']}\t{item['section']}\t{item['asks']}\t{item['answer']}"
            assert parsed.rows.count(row) == 1
            assert item["provided"] == (item["answer"] != "not provided")


def test_a_stated_prevalence_shifts_every_probability(data: Index, tmp_path: Path) -> None:
    found = made(data, prevalence=0.006, manifest=elsewhere())

    write_report(found, tmp_path)

    stated = json.loads((tmp_path / "report.json").read_text("utf-8"))["stated_prevalence"]
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    odds = 0.006 / 0.994 / (0.5 / 0.5)
    given = np.array([float(row["probability"]) for row in rows])
    expected = given * odds / (given * odds + 1 - given)
    assert stated["shifted_from"] == 0.5
    assert np.allclose([float(row["shifted_probability"]) for row in rows], expected)
    assert ((expected >= stated["shifted_threshold"]) == (given >= 0.5)).all()
    sensitivity, specificity = (found.table[name].value for name in ("sensitivity", "specificity"))
    hits, alarms = 0.006 * sensitivity, 0.994 * (1 - specificity)
    assert stated["ppv"]["value"] == pytest.approx(hits / (hits + alarms))


def elsewhere() -> BundleManifest:
    """A bundle that was calibrated on another dataset."""
    made_up = manifest()
    return made_up.model_copy(update={"recipe": made_up.recipe.model_copy(update={"dataset": "bus_bra"})})


def test_figures_by_patient_have_a_table_of_patients(tmp_path: Path) -> None:
    index = DATASETS.get("bus_bra").index(bus_bra(tmp_path / "data", patients=8))
    found = made(index, level="patient", rule="max")

    write_report(found, tmp_path / "out")

    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    with (tmp_path / "out" / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert report["cases"] == {"level": "patient", "rule": "max", "count": 8, "positives": int(found.labels.sum())}
    assert report["counts"]["images"] == len(index)
    assert sum(int(row["images"]) for row in rows) == len(index)
    assert [float(row["probability"]) for row in rows] == found.probabilities.tolist()
    text = page(tmp_path / "out").text
    assert "each patient by the highest of its images' probabilities" in text


def found_abstained() -> list[bool]:
    return [row == 5 for row in range(12)]


def test_every_answer_is_written(data: Index, tmp_path: Path) -> None:
    found = made(data, abstained=found_abstained())

    write_report(found, tmp_path)

    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample_id"] for row in rows] == found.sample_ids
    assert [float(row["probability"]) for row in rows] == found.probabilities.tolist()
    assert [int(row["truth"]) for row in rows] == found.labels.tolist()
    assert [int(row["called"]) for row in rows] == (found.probabilities >= 0.5).astype(int).tolist()
    assert [int(row["abstained"]) for row in rows] == found.abstained.astype(int).tolist()


def test_the_same_evaluation_gives_the_same_files(data: Index, tmp_path: Path) -> None:
    settings = dict(mpl.rcParams)

    for name in ("one", "two"):
        write_report(made(data), tmp_path / name)

    for file in ("report.html", "report.json", "predictions.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert dict(mpl.rcParams) == settings


def test_without_matplotlib_the_extra_is_named_and_nothing_written(
    data: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtraError) as caught:
        write_report(made(data), tmp_path / "out")

    assert "senoscope[report]" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_said(data: Index, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DatasetError, match="cannot be written"):
        write_report(made(data), tmp_path / "file")


def test_probabilities_that_cannot_be_used_name_the_row(data: Index) -> None:
    wrong = np.full(12, 0.5)
    wrong[4] = np.nan

    with pytest.raises(DatasetError, match="row 4"):
        assess(
            data,
            wrong,
            positive="malignant",
            title="",
            bundle="",
            version="",
            threshold=0.5,
            operating_point="",
            protocol="",
        )
