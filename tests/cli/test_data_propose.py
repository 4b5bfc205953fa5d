"""`senoscope data propose`."""

import json
from pathlib import Path

import pytest
import scipy
from typer.testing import CliRunner

from senoscope.cli.data import data_app
from senoscope.core.errors import UsageError
from tests.evidence.proposals.test_proposals import written
from tests.makers.training_sets import training_set

assert scipy  # proposals need it, and an install without it leaves these tests out


def run(*words: object) -> str:
    result = CliRunner().invoke(data_app, ["propose", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_a_dataset_is_proposed_for_and_judged(tmp_path: Path) -> None:
    root, out = training_set("bcss", "tissue_outline", tmp_path), tmp_path / "out"

    said = run("bcss", root, "--out", out, "--method", "ruifrok", "--smooth", 1, "--least", 5, "--only", "site=A1,A2")

    assert "4 proposals" in said
    assert "Dice" in said
    assert "Research use only" in said
    figures = json.loads((out / "worth.json").read_text())
    assert figures["pictures"] == 4
    assert figures["table"]["dice"]["low"] <= figures["table"]["dice"]["value"]


def test_a_folder_is_proposed_for(tmp_path: Path) -> None:
    said = run(written(tmp_path / "scans"), "--microns", 1, "--smooth", 2, "--least", 20, "--out", tmp_path / "out")

    assert "3 proposals" in said
    assert not (tmp_path / "out" / "worth.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bcss"], "where is bcss"),
        (["SCANS"], "how large is a pixel"),
        (["SCANS", "--microns", "0"], "--microns 0 is no size"),
        (["SCANS", "--microns", "1", "--only", "site=A1"], "--only is for datasets"),
        (["nowhere"], "nowhere"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, words: list[str], message: str) -> None:
    scans = str(written(tmp_path / "scans"))
    asked = [scans if word == "SCANS" else word for word in words]

    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(data_app, ["propose", *asked, "--out", str(tmp_path / "out")], catch_exceptions=False)
