from pathlib import Path

import pytest
from typer.testing import CliRunner

from senoscope.cli.data import data_app
from senoscope.core.errors import UsageError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import folds, write_split
from senoscope.evidence.tables.rows import write_rows, write_text
from tests.makers import bus_bra, busi


def _run(folder: Path, root: Path, dataset: str = "busi") -> Path:
    """A cross-validation that answered every picture alike but for its number."""
    index = DATASETS.get(dataset).index(root).with_labels(("benign", "malignant"))
    write_split(folder / "split.csv", index, ["crossval"] * len(index), folds(index, folds=2, seed=0))
    rows = [{"sample_id": sample.sample_id, "probability": (7 * n % 5) / 10} for n, sample in enumerate(index.samples)]
    write_rows(folder / "report" / "predictions.csv", ("sample_id", "probability"), rows)
    write_text(folder / "recipe.toml", f'name = "mine"\ntask = "ultrasound"\ndataset = "{dataset}"\n')
    return folder


def test_it_shows_the_model_beside_its_shortcuts(tmp_path: Path) -> None:
    root = busi(tmp_path / "data")

    result = CliRunner().invoke(
        data_app, ["beside", "busi", str(root), str(_run(tmp_path / "run", root))], catch_exceptions=False
    )

    assert result.exit_code == 0, result.output
    assert "the model of run" in result.stdout
    assert "all facts together" in result.stdout
    assert "malignant, " in result.stdout.splitlines()[-1]


def test_a_fact_named_twice_has_the_values_of_both(tmp_path: Path) -> None:
    root = bus_bra(tmp_path / "data")
    run = _run(tmp_path / "run", root, "bus_bra")

    # Of one BI-RADS alone there is one label only, which cannot be compared.
    words = ["beside", "bus_bra", str(root), str(run), "--only", "birads=3", "--only", "birads=5"]
    result = CliRunner().invoke(data_app, words, catch_exceptions=False)

    assert result.stdout.splitlines()[-1].startswith("5 images, 2 malignant")


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    root = busi(tmp_path / "data")

    with pytest.raises(UsageError, match=r"is no run folder: there is no recipe\.toml in it"):
        CliRunner().invoke(data_app, ["beside", "busi", str(root), str(tmp_path)], catch_exceptions=False)


@pytest.mark.parametrize("words", ["year", "=2013", "year=", "year=,"])
def test_a_part_is_a_fact_and_its_values(tmp_path: Path, words: str) -> None:
    root = busi(tmp_path / "data")

    with pytest.raises(UsageError, match="not FACT=VALUE"):
        CliRunner().invoke(
            data_app,
            ["beside", "busi", str(root), str(_run(tmp_path / "run", root)), "--only", words],
            catch_exceptions=False,
        )
