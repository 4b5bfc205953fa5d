from pathlib import Path

import numpy as np
import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.aggregation import Rule, aggregate

ROWS = (
    *(("1", "a", "L", "0"), ("2", "b", "L", "1"), ("3", "a", "R", "0"), ("4", "a", "L", "0")),
    *(("5", "b", "R", "0"), ("6", "c", "L", "0")),
)
VALUES = [0.1, 0.9, 0.4, 0.3, 0.2, 0.5]


def index(rows: tuple[tuple[str, str, str, str], ...] = ROWS) -> Index:
    """Rows of sample, patient, side and label; b and c are known to be one woman."""
    samples = (
        Sample(name, patient, {"c": "b"}.get(patient, patient), f"{name}.png", label, laterality=side)
        for name, patient, side, label in rows
    )
    return Index("made_up", Path(), tuple(samples))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("mean", [0.8 / 3, 0.55, 0.5]), ("max", [0.4, 0.9, 0.5]), ("noisy_or", [1 - 0.9 * 0.6 * 0.7, 0.92, 0.5])],
)
def test_a_patients_images_become_one_answer(rule: Rule, expected: list[float]) -> None:
    labels = index().labels_as("1")

    found = aggregate(index(), labels, VALUES, "patient", rule)

    assert found.names == ("a", "b", "c")
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    np.testing.assert_array_equal(found.labels, [0, 1, 0])
    np.testing.assert_array_equal(found.groups, [0, 1, 1])
    assert [members.tolist() for members in found.members] == [[0, 2, 3], [1, 4], [5]]


def test_breasts_are_told_apart_by_side() -> None:
    found = aggregate(index(), index().labels_as("1"), VALUES, "breast", "mean")

    assert found.names == ("a L", "b L", "a R", "b R", "c L")
    np.testing.assert_allclose(found.values, [0.2, 0.9, 0.4, 0.2, 0.5], atol=1e-12)
    np.testing.assert_array_equal(found.labels, [0, 1, 0, 0, 0])


def test_images_stay_as_they_are() -> None:
    found = aggregate(index(), index().labels_as("1"), VALUES, "image", "noisy_or")

    assert found.names == tuple("123456")
    np.testing.assert_allclose(found.values, VALUES, atol=1e-12)
    np.testing.assert_array_equal(found.groups, index().groups())


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(DatasetError, match="does not say whose image 2 is"):
        aggregate(index((ROWS[0], ("2", "", "L", "1"))), [0, 1], [0.1, 0.2], "patient", "mean")
    with pytest.raises(DatasetError, match="does not say which breast image 2 shows"):
        aggregate(index((ROWS[0], ("2", "b", "", "1"))), [0, 1], [0.1, 0.2], "breast", "mean")


@pytest.mark.parametrize(
    ("values", "message"), [([0.1, np.nan], "row 1"), ([1.5, 0.2], "row 0"), ([0.1], "do not fit")]
)
def test_unusable_values_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        aggregate(index(ROWS[:2]), [0, 1], values, "patient", "mean")
