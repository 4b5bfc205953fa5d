"""A comparison as files."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from senoscope.core.errors import MissingExtraError
from senoscope.evidence.evaluation.comparison import Comparison, compare
from senoscope.evidence.index import Index
from senoscope.evidence.metrics.classification import FIGURES
from senoscope.evidence.report.comparison_page import write_comparison
from tests.evidence.evaluation.test_comparison import answered, data
from tests.evidence.report.test_files import HOSTILE, Page

assert mpl  # drawings need it, and an install without it leaves these tests out
assert data  # the fixture


@pytest.fixture(scope="module")
def three(data: Index) -> Comparison:
    leaky = answered(data, 2, leak="it saw them all")
    return compare([answered(data, 0), answered(data, 1), leaky], ["old", "new", "best"], permutations=50)


def parsed(folder: Path) -> Page:
    shown = Page()
    shown.feed((folder / "comparison.html").read_text("utf-8"))
    return shown


def test_the_page_stands_alone_and_shows_what_the_json_holds(three: Comparison, tmp_path: Path) -> None:
    path = write_comparison(three, tmp_path / "out")

    shown = parsed(path.parent)
    text = " ".join(shown.text.split())
    report = json.loads((path.parent / "comparison.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert not {"script", "img", "iframe", "link"} & set(shown.tags)
    assert all(link.startswith("#") for link in shown.links)
    assert {link[1:] for link in shown.links} <= set(shown.ids)
    assert len(shown.ids) == len(set(shown.ids))
    assert [model["name"] for model in report["models"]] == ["old", "new", "best"]
    for model in report["models"]:
        assert set(model["figures"]) == set(FIGURES)
        for figure in model["figures"].values():
            to = " to " if figure["low"] < 0 else "–"
        assert f"{figure['value']:.3f} ({figure['low']:.3f}{to}{figure['high']:.3f})" in text
    for pair in report["differences"]:
        for name in ("delong", "permutation"):
            assert f"{pair[name]['p']:.3g}" in text
            assert f"{pair[name]['p_holm']:.3g}" in text
        for figure in pair["less_the_first"].values():
            assert f"{figure['value']:+.3f} ({figure['low']:+.3f} to {figure['high']:+.3f})" in text


def test_a_leaky_model_is_marked_wherever_its_figures_stand(three: Comparison, tmp_path: Path) -> None:
    write_comparison(three, tmp_path)

    text = " ".join(parsed(tmp_path).text.split())
    report = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    assert "LEAKY These figures are too good: best: it saw them all." in text
    # Its column or row: what was compared, side by side, differences, both tests.
    assert text.count("best LEAKY") == 5
    assert "new LEAKY" not in text
    assert report["leaky"]
    assert [model["leaky"] for model in report["models"]] == [False, False, True]


def test_hostile_text_stays_text(three: Comparison, tmp_path: Path) -> None:
    first = three.evaluations[0]
    dataset = first.dataset.model_copy(update=dict.fromkeys(("title", "licence", "citation", "name"), HOSTILE))
    worse = replace(
        first, dataset=dataset, positive=HOSTILE, protocol=HOSTILE, bundle=HOSTILE, leak=HOSTILE, notes=(HOSTILE,)
    )
    hostile = replace(
        three, evaluations=(worse, *three.evaluations[1:]), names=(HOSTILE, "b", "c"), left_out=((HOSTILE, HOSTILE),)
    )

    write_comparison(hostile, tmp_path)

    shown = parsed(tmp_path)
    assert "script" not in shown.tags
    assert shown.text.count("alert(1)") > 10


def test_without_matplotlib_nothing_is_written(
    three: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtraError):
        write_comparison(three, tmp_path / "out")

    assert not (tmp_path / "out").exists()
