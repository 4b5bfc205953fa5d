from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.evidence.audit.copies import MOST_NAMED, copies
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.duplicates import SAME_DETAIL, Signature, detail
from tests.makers import ultrasound


def index(labels: list[str], groups: list[str]) -> Index:
    pairs = enumerate(zip(labels, groups, strict=True))
    return Index("made", Path(), tuple(Sample(str(at), "", group, f"{at}.png", label) for at, (label, group) in pairs))


def rows(count: int) -> NDArray[np.float16]:
    values = np.random.default_rng(0).normal(size=(count, 1024))
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float16)


def test_thousands_of_equal_pictures_are_counted_and_a_few_are_named() -> None:
    same = Signature("f", "p", bytes(32))
    found = copies(index(["a"] * 3000, ["w"] * 2999 + ["v"]), [same] * 3000, np.zeros((3000, 1024), np.float16))

    assert found.near == found.exact == 3000 * 2999 // 2
    assert found.groups == 2999
    assert len(found.named) == MOST_NAMED
    assert found.unnamed == found.near - MOST_NAMED
    assert not any(copy.same_group for copy in found.named)  # the gravest come first


def test_the_gravest_come_first() -> None:
    labels, groups = ["a", "a", "b", "a"], ["w", "w", "w", "v"]
    found = copies(index(labels, groups), [Signature("f", "p", bytes(32))] * 4, rows(4), ["train"] * 3 + ["test"])

    assert found.sides == found.groups == 3
    assert found.labels == 3
    assert (found.named[0].first, found.named[0].second) == ("2", "3")
    assert [copy.divided for copy in found.named] == [True] * 3 + [False] * 3


def test_outline_alone_is_no_copy() -> None:
    hashed = [Signature(str(at), str(at), bytes(32)) for at in range(3)]
    details = rows(3)
    details[2] = details[0]

    found = copies(index(["a", "b", "b"], ["u", "v", "w"]), hashed, details)

    assert (found.near, found.labels, found.groups, found.outline) == (3, 1, 1, 2)
    assert [copy.confirmed for copy in found.named] == [True, False, False]


def test_detail_sees_the_same_picture_through_brightness_and_size() -> None:
    first, other = (Image(ultrasound(seed), 255) for seed in (1, 2))
    brighter = Image(np.asarray(np.clip(first.pixels * 1.1, 0, 255), np.uint8), 255)

    assert detail(first).astype(float) @ detail(brighter).astype(float) > SAME_DETAIL
    assert detail(first).astype(float) @ detail(other).astype(float) < 0.5
    assert not detail(Image(np.zeros((9, 9), np.uint8), 255)).any()
