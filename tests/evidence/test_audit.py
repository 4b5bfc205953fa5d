import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.evidence.audit import audit
from senoscope.evidence.datasets import DATASETS
from tests.makers import bus_bra, busi


def test_copies_within_a_group_are_counted(tmp_path: Path) -> None:
    root = busi(tmp_path)
    (root / "benign" / "benign (8).png").write_bytes((root / "benign" / "benign (2).png").read_bytes())
    facts = DATASETS.get("busi")

    found = audit(facts, facts.index(root))

    assert list(found.pairs().values()) == [1, 1, 1, 0, 0]
    assert found.group_sizes == {1: 8, 2: 1}
    assert found.copies[0].distance == -1
    assert (found.copies[0].first, found.copies[0].second) == ("benign (2)", "benign (8)")
    assert found.labels == {"benign": 5, "malignant": 4, "normal": 1}
    assert (found.unit, found.units) == ("duplicate groups", 9)
    json.dumps(found.to_json(), allow_nan=False)


def test_copies_across_patients_and_labels_are_called_out(tmp_path: Path) -> None:
    root = bus_bra(tmp_path)
    pixels = np.asarray(Pil.open(root / "Images" / "bus_0001-l.png"))
    Pil.fromarray(pixels).save(root / "Images" / "bus_0002-l.png", compress_level=1)
    (root / "Images" / "bus_0003-l.png").write_bytes(b"broken")
    facts = DATASETS.get("bus_bra")

    found = audit(facts, facts.index(root))

    (copy,) = found.copies
    assert (copy.first, copy.second, copy.labels) == ("bus_0001-l", "bus_0002-l", ("benign", "malignant"))
    assert not copy.same_group
    assert found.pairs()["under different labels"] == found.pairs()["in different groups"] == 1
    assert [item.path for item in found.unreadable] == ["Images/bus_0003-l.png"]


@pytest.mark.parametrize("name", ["busi", "bus_bra"])
def test_no_copy_crosses_groups_in_the_real_sets(data_root: Path, name: str) -> None:
    facts = DATASETS.get(name)

    found = audit(facts, facts.index(data_root))

    assert found.pairs()["in different groups"] == 0
    assert found.pairs()["under different labels"] == 0
    assert found.unreadable == ()
    assert sum(size * count for size, count in found.group_sizes.items()) == sum(found.labels.values())
