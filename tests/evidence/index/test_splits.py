from pathlib import Path

import numpy as np
import pytest

from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.splits import folds, read_split, write_split


def index(seed: int = 0, groups: int = 150, positive: float = 0.3) -> Index:
    """Groups of 1 to 6 images; most hold one class, a few both."""
    random = np.random.default_rng(seed)
    samples: list[Sample] = []
    for group in range(groups):
        malignant = random.uniform() < positive
        for _ in range(int(random.integers(1, 7))):
            label = "malignant" if malignant ^ (random.uniform() < 0.05) else "benign"
            number = len(samples)
            samples.append(Sample(f"s{number}", f"p{group}", f"p{group}", f"{number}.png", label))
    return Index("busi", Path("nowhere"), tuple(samples))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [3, 5, 10])
def test_folds_are_whole_even_and_stratified(seed: int, count: int) -> None:
    data = index(seed)

    found = folds(data, folds=count, seed=seed)

    labels, groups = data.labels_as("malignant"), data.groups()
    assert sorted(set(found.tolist())) == list(range(count))
    assert all(len(set(found[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    shares = np.array([labels[found == fold].mean() for fold in range(count)])
    sizes = np.bincount(found) / len(found)
    assert np.abs(shares - labels.mean()).max() < 0.04
    assert np.abs(sizes * count - 1).max() < 0.15


def test_a_seed_decides_and_another_decides_otherwise() -> None:
    data = index()

    first, again, other = (folds(data, folds=5, seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.3


def test_the_papers_protocol_divides_groups() -> None:
    data = index()
    groups = data.groups()

    found = folds(data, folds=5, seed=0, protocol="paper")

    divided = [group for group in set(groups.tolist()) if len(set(found[groups == group].tolist())) > 1]
    assert len(divided) > 50
    assert np.abs(np.bincount(found) - len(data) / 5).max() <= 2


def test_too_few_groups_are_said() -> None:
    with pytest.raises(DatasetError, match="'malignant' of busi has 3 groups, fewer than 5 folds"):
        folds(
            Index(
                "busi",
                Path(),
                tuple(Sample(str(n), "", str(n), "x", "malignant" if n < 3 else "benign") for n in range(20)),
            ),
            folds=5,
            seed=0,
        )
    with pytest.raises(UsageError):
        folds(index(), folds=1, seed=0)


def test_a_split_comes_back_from_its_file(tmp_path: Path) -> None:
    data = index()
    fold = folds(data, folds=5, seed=0)
    parts = ["test" if number == 0 else "train" for number in fold]

    write_split(tmp_path / "split.csv", data, parts, fold)
    found = read_split(tmp_path / "split.csv", data)

    assert list(found.parts) == parts
    np.testing.assert_array_equal(found.folds, fold)
    np.testing.assert_array_equal(found.positions("test"), np.flatnonzero(fold == 0))
    with pytest.raises(UsageError, match="no part 'tset'") as caught:
        found.positions("tset")
    assert "test, train" in caught.value.hint


def test_a_split_without_folds_comes_back(tmp_path: Path) -> None:
    data = index(groups=5)

    write_split(tmp_path / "split.csv", data, ["train"] * len(data))

    assert set(read_split(tmp_path / "split.csv", data).folds.tolist()) == {-1}


def test_the_same_data_under_another_root_is_the_same(tmp_path: Path) -> None:
    outer = Index("busi", tmp_path, (Sample("a", "", "a", "busi/benign/a.png", "benign"),))
    inner = Index("busi", tmp_path / "busi", (Sample("a", "", "a", "benign/a.png", "benign"),))

    write_split(tmp_path / "split.csv", outer, ["test"])

    assert read_split(tmp_path / "split.csv", inner).parts == ("test",)


def test_a_group_on_both_sides_is_refused_unless_the_protocol_is_the_papers(tmp_path: Path) -> None:
    data = index()
    fold = folds(data, folds=5, seed=0, protocol="paper")
    write_split(tmp_path / "split.csv", data, ["test" if number == 0 else "train" for number in fold], fold)

    with pytest.raises(DatasetError, match=r"column 'group'.*lies on both sides"):
        read_split(tmp_path / "split.csv", data)
    assert len(read_split(tmp_path / "split.csv", data, protocol="paper").parts) == len(data)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("s1,p,p,benign,1.png,train,0", "'s1' is listed twice"),
        ("s9,p,p,benign,9.png,train,0", "'s9' is not in busi"),
        ("s2,p,p,malignant,2.png,train,0", "column 'label'"),
        ("s2,q,p,benign,2.png,train,0", "column 'patient_id'"),
        ("s2,p,q,benign,2.png,train,0", "column 'group'"),
        ("s2,p,p,benign,other.png,train,0", "column 'path'"),
        ("s2,p,p,benign,,train,0", "column 'path'"),
        ("s2,p,p,benign,2.png,,0", "column 'part'"),
        ("s2,p,p,benign,2.png,train,x", "column 'fold'"),
        ("s2,p,p,benign,2.png,test,0", "lies on both sides"),
        ("s2,p,p,benign,2.png,train,1", "lies on both sides"),
        ("", "lacks 1 samples, such as 's2'"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    data = Index("busi", tmp_path, tuple(Sample(f"s{n}", "p", "p", f"{n}.png", "benign") for n in (1, 2)))
    text = f"sample_id,patient_id,group,label,path,part,fold\ns1,p,p,benign,1.png,train,0\n{line}\n"
    (tmp_path / "split.csv").write_text(text)

    with pytest.raises(DatasetError, match=problem):
        read_split(tmp_path / "split.csv", data)


def test_hospitals_are_not_divided_where_that_is_asked() -> None:
    samples = [
        Sample(
            f"s{number}",
            f"p{number // 2}",
            f"p{number // 2}",
            f"{number}.png",
            "tissue",
            facts={"site": f"h{number // 6}"},
        )
        for number in range(60)
    ]
    data = Index("bcss", Path("nowhere"), tuple(samples))

    found = folds(data, folds=3, seed=0, protocol="site")

    assert set(found.tolist()) == {0, 1, 2}
    for site in range(10):
        assert len(set(found[6 * site : 6 * site + 6].tolist())) == 1
    assert (found != folds(data, folds=3, seed=0)).any()


def test_a_split_by_hospital_needs_to_know_it() -> None:
    data = Index(
        "bcss",
        Path("nowhere"),
        tuple(Sample(f"s{n}", "p", f"p{n // 2}", f"{n}.png", "tissue", facts={"site": f"h{n}"}) for n in range(8)),
    )

    with pytest.raises(DatasetError, match="'p0' is of h0 and h1"):
        folds(data, folds=3, seed=0, protocol="site")
    with pytest.raises(DatasetError, match="is of no hospital"):
        folds(index(), folds=3, seed=0, protocol="site")
