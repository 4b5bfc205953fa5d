"""`senoscope models`."""

from pathlib import Path

import pytest

from senoscope.runtime import store
from tests.cli.conftest import Command
from tests.makers import tiny_bundle


def test_list_names_what_ships(senoscope: Command) -> None:
    done = senoscope("models", "list")

    assert done.status == 0
    for manifest in store.shipped():
        assert f"{manifest.name} {manifest.version}  task {manifest.task}" in done.out
        for table in manifest.metrics:
            first = next(name for name in ("dice", "froc_1", "roc_auc") if name in table.values)
            assert str(table.values[first]) in done.out


def test_show_prints_the_card(senoscope: Command) -> None:
    done = senoscope("models", "show", "ultrasound")

    assert done.status == 0
    assert done.out.strip() == (store.ZOO / "ultrasound" / "card.md").read_text("utf-8").strip()


def test_verify_all_that_ship(senoscope: Command) -> None:
    done = senoscope("models", "verify")

    assert done.status == 0
    assert len(done.out.splitlines()) == len(store.shipped())
    assert "ultrasound: intact" in done.out


def test_verify_a_folder(senoscope: Command, bundle: Path) -> None:
    assert f"{bundle}: intact (tiny 1," in senoscope("models", "verify", bundle).out


def test_verify_a_damaged_one(senoscope: Command, tmp_path: Path) -> None:
    folder = tiny_bundle(tmp_path / "tiny")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)

    done = senoscope("models", "verify", folder)

    assert done.status == 1
    assert "is not the network of this bundle" in done.err
    assert "hint: fetch the bundle again" in done.err


@pytest.mark.parametrize("verb", ["show", "verify"])
def test_unknown_bundle(senoscope: Command, verb: str) -> None:
    done = senoscope("models", verb, "ultrasund")

    assert done.status == 2
    assert "did you mean: ultrasound" in done.err
