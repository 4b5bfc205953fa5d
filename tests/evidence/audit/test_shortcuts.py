from pathlib import Path

import numpy as np
import pytest

from senoscope.evidence.audit.acquisition import KINDS
from senoscope.evidence.audit.shortcut_model import Column
from senoscope.evidence.audit.shortcuts import Shortcut, interval, light, shortcuts
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.metrics.delong import delong


def index(labels: list[str], groups: list[str]) -> Index:
    samples = [Sample(str(at), group, group, f"{at}.png", labels[at]) for at, group in enumerate(groups)]
    return Index("made", Path(), tuple(samples))


def by_fact(found: tuple[Shortcut, ...]) -> dict[str, Shortcut]:
    return {row.fact: row for row in found}


def coin_flips(seed: int) -> tuple[Index, dict[str, Column]]:
    """Labels of 60 women with two pictures each that nothing tells; every second fact is the woman's."""
    random = np.random.default_rng(seed)
    women = np.repeat(np.arange(60), 2)
    labels = np.where(random.random(60) < 0.4, "ill", "well")[women]
    columns: dict[str, Column] = {}
    for number, name in enumerate(KINDS):
        if number % 3 == 0:
            columns[name] = random.integers(0, 4, 60).astype(str)[women]
        else:
            columns[name] = random.normal(size=60)[women] + (number % 3 - 1) * random.normal(size=120)
    return index(list(labels), [str(woman) for woman in women]), columns


def test_coin_flips_stay_green() -> None:
    alarms = 0
    for seed in range(20):
        found = shortcuts(coin_flips(seed)[0], "ill", coin_flips(seed)[1], seed=seed)
        alarms += any(row.light != "green" for row in found.rows)

    assert alarms <= 2


def test_a_year_that_gives_the_label_away_is_red_and_the_overlap_is_shown() -> None:
    random = np.random.default_rng(0)
    ill = random.random(300) < 0.4
    year = np.where(ill, random.choice([2014, 2015, 2016], 300), random.choice([2012, 2013, 2014], 300))
    columns: dict[str, Column] = {"year": year.astype(str), "mean": random.normal(size=300)}
    samples = index(["ill" if one else "well" for one in ill], [str(at) for at in range(300)])

    found = shortcuts(samples, "ill", columns)

    rows = by_fact(found.rows)
    assert (rows["year"].light, rows["together"].light, rows["mean"].light) == ("red", "red", "green")
    assert found.facts[0].fact == "year"
    assert found.overlap is not None
    assert found.overlap.values == ("2014",)
    assert found.overlap.images == int((year == 2014).sum())
    assert rows["year"].overlap is None
    assert rows["mean"].overlap is not None


def test_a_fact_of_the_woman_is_not_learned_by_heart() -> None:
    random = np.random.default_rng(3)
    women = np.repeat(np.arange(40), 10)
    labels = np.where(random.random(40) < 0.5, "ill", "well")[women]
    size = random.integers(300, 900, 40)[women].astype(np.float64)

    found = shortcuts(index(list(labels), [str(woman) for woman in women]), "ill", {"width": size})

    assert by_fact(found.rows)["width"].light == "green"
    assert found.groups == 40


def test_the_interval_is_delongs_by_group_and_widens_with_tries() -> None:
    random = np.random.default_rng(4)
    groups = np.repeat(np.arange(50), 3)
    truth = (random.random(150) < 0.4).astype(np.int64)
    scores = truth + random.normal(size=150)

    found, widened = interval(truth, scores, groups)
    _, wider = interval(truth, scores, groups, tries=20)

    assert found == delong(truth, scores, groups)
    assert wider < widened < found.value


def test_separated_classes_keep_a_bound() -> None:
    truth = np.array([0] * 20 + [1] * 20)

    found, widened = interval(truth, truth.astype(np.float64), np.arange(40), tries=20)

    assert found.low == pytest.approx(0.025 ** (1 / 20))  # Clopper–Pearson for 20 of 20
    assert 0.5 < widened < found.low < found.value == found.high == 1


def test_lights() -> None:
    assert light(0.61, 0.55, 50) == "red"
    assert light(0.61, 0.49, 50) == "green"
    assert light(0.55, 0.51, 50) == "amber"
    assert light(0.99, 0.98, 9) == "grey"


@pytest.mark.parametrize(("columns", "said"), [({"width": np.full(6, 1.0)}, "no fact varies"), ({}, "no fact varies")])
def test_what_cannot_be_tried_says_why(columns: dict[str, Column], said: str) -> None:
    labels = ["ill", "well"] * 3

    assert said in shortcuts(index(labels, list("abcdef")), "ill", columns).missing
    assert "a class has 1 groups" in shortcuts(index(labels, ["a"] * 6), "ill", columns).missing
