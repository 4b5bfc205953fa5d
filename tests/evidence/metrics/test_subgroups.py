from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.intervals import binary_table
from senoscope.evidence.metrics.subgroups import SUBGROUP_FACTS, subgroups

COUNT = 160


def index(facts: Sequence[dict[str, str]], views: Sequence[str] = ("CC",)) -> Index:
    samples = (
        Sample(str(row), f"p{row // 2}", f"p{row // 2}", f"{row}.png", "x", view=views[row % len(views)], facts=found)
        for row, found in enumerate(facts)
    )
    return Index("made_up", Path(), tuple(samples))


def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = (np.arange(COUNT) % 3 == 0).astype(int)
    return labels, np.clip(0.3 * labels + random.uniform(0, 0.7, COUNT), 0, 1), np.arange(COUNT) // 2


def test_figures_of_a_part_are_those_of_its_samples() -> None:
    labels, values, groups = answers()
    facts = [{"machine": "A" if row < 100 else "B"} for row in range(COUNT)]

    found = subgroups(index(facts), labels, values, groups, 0.5, replicates=100, seed=3)

    assert [(item.fact, item.value, item.images, item.patients, item.few) for item in found] == [
        ("machine", "A", 100, 50, False),
        ("machine", "B", 60, 30, False),
    ]
    part = slice(0, 100)
    assert found[0].positives == labels[part].sum()
    assert found[0].table == binary_table(labels[part], values[part], groups[part], 0.5, replicates=100, seed=3)


def test_ages_go_by_decades_and_what_is_missing_comes_last() -> None:
    ages = ["9", "45", "40", "102", "", ">89", "49"]
    facts = [{"age": ages[row % 7]} if ages[row % 7] else {} for row in range(COUNT)]

    found = subgroups(index(facts), *answers(), 0.5, replicates=20)

    assert [item.value for item in found] == ["0–9", "40–49", "100–109", ">89", "not stated"]
    assert sum(item.images for item in found) == COUNT


def test_rare_values_are_pooled() -> None:
    facts = [{"site": f"site {min(row // 8, 15):02}"} for row in range(COUNT)]

    found = subgroups(index(facts), *answers(), 0.5, replicates=20)

    assert len(found) == 13
    assert (found[-1].value, found[-1].images) == ("other", 32)
    assert all(item.few for item in found if item.patients < 20)


def test_few_patients_of_a_kind_are_too_few_however_many_images_they_have() -> None:
    """Of 40 women in each half one has 12 positive images in the first, and 12 women have one each in the second."""
    groups = np.concatenate((np.arange(39), np.full(12, 39), np.arange(40, 80)))
    labels = np.concatenate((np.zeros(39), np.ones(24), np.zeros(28))).astype(int)
    samples = tuple(
        Sample(str(row), f"p{group}", f"p{group}", "a.png", "x", facts={"site": "A" if group < 40 else "B"})
        for row, group in enumerate(groups)
    )
    values = np.random.default_rng(0).uniform(0, 1, len(labels))

    found = subgroups(Index("made_up", Path(), samples), labels, values, groups, 0.5, replicates=20)

    assert [(item.value, item.patients, item.positives, item.few) for item in found] == [
        ("A", 40, 12, True),
        ("B", 40, 12, False),
    ]


def test_numbers_are_ordered_by_size() -> None:
    facts = [{"birads": ["10", "2", "4A"][row % 3]} for row in range(COUNT)]

    found = subgroups(index(facts), *answers(), 0.5, replicates=20)

    assert [item.value for item in found] == ["2", "10", "4A"]


def test_a_fact_that_tells_nothing_apart_gives_nothing() -> None:
    labels, values, groups = answers()

    assert subgroups(index([{}] * COUNT), labels, values, groups, 0.5, replicates=20) == ()
    assert subgroups(index([{"density": "B"}] * COUNT), labels, values, groups, 0.5, replicates=20) == ()


def test_views_are_the_samples_own() -> None:
    found = subgroups(index([{}] * COUNT, ("CC", "MLO", "")), *answers(), 0.5, replicates=20)

    assert [(item.fact, item.value) for item in found] == [("view", "CC"), ("view", "MLO"), ("view", "not stated")]


def test_one_class_alone_keeps_the_figures_it_has() -> None:
    labels, values, groups = answers()
    facts = [{"lesion": "mass" if label else "none"} for label in labels]

    mass, none = subgroups(index(facts), labels, values, groups, np.full(COUNT, 0.5), replicates=50)

    assert (mass.positives, none.positives) == (mass.images, 0)
    assert "sensitivity" in mass.table
    assert "specificity" in none.table
    assert not {"roc_auc", "specificity", "calibration_slope"} & set(mass.table)


def test_only_facts_asked_for_are_shown() -> None:
    facts = [{"density": "AB"[row % 2], "site": "XY"[row % 2]} for row in range(COUNT)]

    found = subgroups(index(facts), *answers(), 0.5, facts=("site",), replicates=20)

    assert {item.fact for item in found} == {"site"}
    assert {"density", "site"} <= set(SUBGROUP_FACTS)


def test_an_index_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DatasetError, match="do not fit 3 samples"):
        subgroups(index([{}] * 3), *answers(), 0.5)
