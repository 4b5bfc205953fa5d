import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.evidence.audit.audit import Audit, audit
from senoscope.evidence.audit.page import FORMAT, render, to_json, write_audit
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index import Dropped
from tests.makers import bus_bra

EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    root = bus_bra(tmp_path_factory.mktemp("data"))
    pixels = np.asarray(Pil.open(root / "Images" / "bus_0001-l.png"))
    Pil.fromarray(pixels).save(root / "Images" / "bus_0002-l.png", compress_level=1)
    facts = DATASETS.get("bus_bra")
    return audit(facts, facts.index(root))


def test_the_page_stands_alone(found: Audit, tmp_path: Path) -> None:
    page = write_audit(found, tmp_path / "out").read_text("utf-8")

    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert "<script" not in page
    assert page.count("<svg") >= 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.html", "audit.json"]


def test_red_comes_first(found: Audit) -> None:
    page = render(found)

    assert page.index('class="light red"') < page.index('class="light amber"')


def test_what_comes_from_data_is_escaped(found: Audit) -> None:
    copy = replace(found.copies.named[0], first=EVIL, labels=(EVIL, "benign"))
    evil = replace(
        found,
        title=EVIL,
        labels={EVIL: 3, "benign": 2},
        published={EVIL: None},
        sizes={EVIL: {EVIL: 1}},
        notes=(EVIL,),
        mixed_groups=(EVIL,),
        copies=replace(found.copies, named=(copy,)),
        unreadable=(Dropped(EVIL, EVIL),),
        shortcuts=replace(found.shortcuts, question=EVIL),
    )

    page = render(evil)

    assert EVIL not in page
    assert page.count("&lt;script&gt;") >= 9


def test_json_has_what_the_page_shows(found: Audit) -> None:
    told = to_json(found)

    assert told["format"] == FORMAT
    assert [one["light"] for one in told["findings"]][:2] == ["red", "red"]
    for row in told["shortcuts"]["facts"]:
        assert {"fact", "title", "light", "auc", "widened", "overlap"} <= set(row)
        assert row["title"] in render(found)
