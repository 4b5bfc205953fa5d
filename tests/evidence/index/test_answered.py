"""Answers of another model as facts: out of a report, or out of what predict prints."""

from dataclasses import replace
from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Index
from senoscope.evidence.index.answered import with_answers
from tests.makers import rsna_exams


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return DATASETS.get("rsna").index(rsna_exams(tmp_path_factory.mktemp("data") / "rsna", 4))


def _table(folder: Path, text: str) -> Path:
    path = folder / "answers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_reports_answers_are_taken_by_sample(index: Index, tmp_path: Path) -> None:
    first, second, third = (sample.sample_id for sample in index.samples[:3])
    table = _table(tmp_path, f"sample_id,called,abstained\n{first},dense,0\n{second},fatty,0\n{third},fatty,1\n")

    found = with_answers(index, {"density": table})

    assert [sample.facts.get("predicted_density") for sample in found.samples[:4]] == ["dense", "fatty", None, None]
    assert found.samples[3:] == index.samples[3:]
    assert f"fact predicted_density of 2 of {len(index)} images" in found.notes[-1]


def test_what_predict_prints_is_taken_by_file(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(index.root)
    paths = [index.samples[0].path, str(index.root / index.samples[1].path), index.samples[2].path]
    rows = [f"{paths[0]},dense,false", f"{paths[1]},fatty,false", f"{paths[2]},,true", "elsewhere.png,dense,false"]
    table = _table(tmp_path, "\n".join(["file,label,abstained", *rows]) + "\n")

    found = with_answers(index, {"density": table})

    assert [sample.facts.get("predicted_density") for sample in found.samples[:3]] == ["dense", "fatty", None]


def test_a_report_of_two_labels_answers_in_their_words(index: Index, tmp_path: Path) -> None:
    names = [sample.sample_id for sample in index.samples[:3]]
    cells = zip(names, ("cancer,1", "no_cancer,0", "no_cancer,0"), (0, 1, 0), strict=True)
    rows = [f"{name},{truth},{called},0" for name, truth, called in cells]
    table = _table(tmp_path, "\n".join(["sample_id,label,truth,called,abstained", *rows]) + "\n")

    found = with_answers(index, {"screening": table})

    said = [sample.facts.get("predicted_screening") for sample in found.samples[:4]]
    assert said == ["no_cancer", "cancer", "no_cancer", None]


def test_two_spellings_of_one_file_are_one_image(index: Index, tmp_path: Path) -> None:
    first = index.root / index.samples[0].path
    table = _table(tmp_path, f"file,label\n{first},dense\n{first.parent}/./{first.name},fatty\n")

    with pytest.raises(DatasetError, match="is in row 1 already"):
        with_answers(index, {"density": table})


def test_a_link_to_itself_is_no_image(index: Index, tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    table = _table(tmp_path, f"file,label\n{tmp_path / 'loop.png'},dense\n")

    with pytest.raises(DatasetError, match="answers none of the"):
        with_answers(index, {"density": table})


def test_several_models_answer_and_none_changes_nothing(index: Index, tmp_path: Path) -> None:
    table = _table(tmp_path, f"sample_id,called\n{index.samples[0].sample_id},1\n")

    found = with_answers(index, {"density": table, "abnormality": table})

    assert {"predicted_density", "predicted_abnormality"} <= found.samples[0].facts.keys()
    assert with_answers(index, {}) == index


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample_id,probability\n1,0.5\n", "holds no answers"),
        ("sample_id,called\nnobody,dense\n", "answers none of the"),
        ("sample_id,called\n{0},dense\n{0},fatty\n", "is in row 1 already"),
        ("sample_id,called\n{0},=1+1\n", "row 1, column 'called'"),
        ("sample_id,called\n", "holds no answers"),
        ("sample_id,label,truth,called\n{0},cancer,1,0\n", "row 1, column 'called': no row says which label '0' is"),
    ],
)
def test_tables_that_answer_nothing_are_refused(index: Index, tmp_path: Path, text: str, said: str) -> None:
    table = _table(tmp_path, text.format(index.samples[0].sample_id))

    with pytest.raises(DatasetError, match=said):
        with_answers(index, {"density": table})


def test_a_name_that_is_no_facts_name_is_refused(index: Index, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a fact's name"):
        with_answers(replace(index), {"Breast Density": tmp_path / "answers.csv"})
