"""The leakage gap as numbers and as a page."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.evaluation.evaluation import Evaluation, assess
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.report.gap import leakage_gap, to_json, write_gap

assert mpl  # evaluations are for reports, and an install without them leaves these tests out


def evaluation(root: Path, shift: float, leak: str, count: int = 60, title: str = "t") -> Evaluation:
    """Answers that rank the better the larger the shift; two samples a patient."""
    random = np.random.default_rng(5)
    samples = []
    for number in range(count):
        (root / f"{number}.png").write_bytes(b"%d" % number)
        label = "malignant" if number // 2 % 2 else "benign"
        samples.append(Sample(f"s{number}", str(number // 2), str(number // 2), f"{number}.png", label))
    index = Index("odd <set>", root, tuple(samples), notes=("a <note>",))
    labels = index.labels_as("malignant")
    scores = 1 / (1 + np.exp(-(random.normal(size=count) + shift * (2 * labels - 1))))
    return assess(
        index,
        scores,
        positive="malignant",
        title=title,
        bundle="b",
        version="1",
        threshold=0.5,
        operating_point="balanced",
        protocol="p",
        leak=leak,
        replicates=200,
    )


def test_gap_is_the_difference_of_the_tables(tmp_path: Path) -> None:
    honest, paper = evaluation(tmp_path, 0.2, ""), evaluation(tmp_path, 2.0, "copies")

    found = leakage_gap(honest, paper, replicates=200)

    for name, interval in found.differences.items():
        assert interval.value == pytest.approx(paper.table[name].value - honest.table[name].value, abs=1e-12)
    assert found.differences["roc_auc"].low > 0
    assert found.differences["brier"].high < 0
    json.dumps(to_json(found), allow_nan=False)


def test_page_says_leaky_and_escapes_what_came_from_data(tmp_path: Path) -> None:
    title = "<script>alert(1)</script>"
    found = leakage_gap(
        evaluation(tmp_path, 0.2, "", title=title), evaluation(tmp_path, 2.0, "<copies>"), replicates=50
    )

    page = write_gap(found, tmp_path / "out").read_text("utf-8")

    assert "<script>" not in page
    assert "&lt;copies&gt;" in page
    assert "odd &lt;set&gt;" in page
    assert "LEAKY" in page
    assert str(found.differences["roc_auc"]) in page
    assert "60 images of 30 patients" in page
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["leakage.html", "leakage.json"]


def test_other_samples_and_other_kinds_are_refused(tmp_path: Path) -> None:
    honest, paper = evaluation(tmp_path, 0.2, ""), evaluation(tmp_path, 2.0, "copies")

    with pytest.raises(DatasetError, match="different samples"):
        leakage_gap(honest, evaluation(tmp_path, 2.0, "copies", count=50))
    for first, second in ((paper, honest), (honest, honest), (paper, paper)):
        with pytest.raises(DatasetError, match="one evaluation divided by patient"):
            leakage_gap(first, second)
