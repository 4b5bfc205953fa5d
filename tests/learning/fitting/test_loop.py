"""Epochs: when they end, what is kept, and that a cut changes nothing."""

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from senoscope.core.errors import RunError
from senoscope.learning.fitting.loop import Fitted, Plan, Row, Validation, run


class CutShort(Exception):  # noqa: N818 # no error: it stands for a kill
    """The process was killed."""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 1))


class Training:
    """A small regression with noise in the batches and dropout in the network."""

    def __init__(self, folder: Path, *, epochs: int = 8, patience: int = 100, optimizer: str = "Adam") -> None:
        self.network = network()
        self.optimizer: torch.optim.Optimizer = getattr(torch.optim, optimizer)(self.network.parameters(), lr=0.05)
        self.plan = Plan(epochs, patience, 7, folder)
        self.x = torch.randn(24, 4, generator=torch.Generator().manual_seed(1))
        self.y = self.x[:, :1] * 2 - self.x[:, 1:2]
        self.trained: list[int] = []
        self.told: list[Row] = []

    def epoch(self, number: int) -> float:
        assert self.network.training
        self.trained.append(number)
        total = 0.0
        for batch in torch.randperm(24).reshape(3, 8):
            loss = (self.network(self.x[batch] + 0.1 * torch.randn(8, 4)) - self.y[batch]).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += float(loss.detach())
        return total

    def validate(self) -> Validation:
        assert not self.network.training
        return Validation(float((self.network(self.x) - self.y).square().mean().detach()), 0.5)

    def go(self, *, cut_after: int = 0) -> Fitted:
        def told(row: Row) -> None:
            self.told.append(row)
            if row.epoch == cut_after:
                raise CutShort

        return run(self.network, self.optimizer, self.plan, self.epoch, self.validate, told)


def scripted(losses: list[float]) -> Callable[[], Validation]:
    """A validation that finds these losses, one after the other."""
    found: Iterator[float] = iter(losses)
    return lambda: Validation(next(found), 0.5)


@pytest.mark.parametrize(
    ("cut", "optimizer"), [*((cut, "Adam") for cut in range(1, 8)), (2, "AdamW"), (6, "AdamW"), (4, "SGD")]
)
def test_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path: Path, cut: int, optimizer: str) -> None:
    whole = Training(tmp_path / "whole", optimizer=optimizer)
    expected = whole.go()
    with pytest.raises(CutShort):
        Training(tmp_path / "cut", optimizer=optimizer).go(cut_after=cut)

    resumed = Training(tmp_path / "cut", optimizer=optimizer)
    torch.manual_seed(12345)
    found = resumed.go()

    assert resumed.trained == list(range(cut + 1, 9))
    assert found == expected
    assert [row.epoch for row in resumed.told] == list(range(1, 9))
    for key, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[key], value), key
    assert (tmp_path / "cut" / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()


def test_a_kill_between_checkpoint_and_log_loses_no_line(tmp_path: Path) -> None:
    Training(tmp_path).go()
    whole = (tmp_path / "log.csv").read_text()
    (tmp_path / "log.csv").unlink()

    Training(tmp_path).go()

    assert (tmp_path / "log.csv").read_text() == whole


def test_cut_twice(tmp_path: Path) -> None:
    expected = Training(tmp_path / "whole").go()
    for cut in (2, 5):
        with pytest.raises(CutShort):
            Training(tmp_path / "cut").go(cut_after=cut)

    assert Training(tmp_path / "cut").go() == expected


def test_finished_run_trains_no_more(tmp_path: Path) -> None:
    first = Training(tmp_path)
    expected = first.go()

    again = Training(tmp_path)
    assert again.go() == expected
    assert again.trained == []
    assert not again.network.training
    for key, value in first.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[key], value)


def test_kill_before_the_first_checkpoint_starts_over(tmp_path: Path) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "checkpoint.part").write_bytes(b"half a file")

    assert Training(tmp_path / "cut").go() == Training(tmp_path / "whole").go()


@pytest.mark.parametrize(
    ("losses", "patience", "best", "epochs"),
    [
        ([5, 4, 3, 2, 1], 2, 5, 5),  # still falling when the plan ends
        ([5, 3, 4, 4, 4, 1], 3, 2, 5),  # three epochs no better: the sixth is never run
        ([5, 3, 4, 4, 1, 1], 3, 5, 6),
        ([3, 3, 3, 3], 2, 1, 3),  # an equal loss is no better
        ([float("nan"), 2, 1], 5, 3, 3),  # a loss that is no number is never the best
        ([2, float("nan"), float("nan"), 1], 2, 1, 3),
    ],
)
def test_early_stopping(tmp_path: Path, losses: list[float], patience: int, best: int, epochs: int) -> None:
    training = Training(tmp_path, epochs=len(losses), patience=patience)

    fitted = run(training.network, training.optimizer, training.plan, training.epoch, scripted(losses))

    assert (fitted.best_epoch, len(fitted.rows)) == (best, epochs)
    assert training.trained == list(range(1, epochs + 1))


def test_stopped_run_stays_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        training = Training(tmp_path, epochs=6, patience=2)
        fitted = run(training.network, training.optimizer, training.plan, training.epoch, scripted([1, 2, 3, 0, 0, 0]))

        assert (fitted.best_epoch, len(fitted.rows)) == (1, 3)


def test_network_is_left_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    states: list[dict[str, torch.Tensor]] = []
    training = Training(tmp_path, epochs=4)

    def epoch(number: int) -> float:
        loss = training.epoch(number)
        states.append({key: value.clone() for key, value in training.network.state_dict().items()})
        return loss

    run(training.network, training.optimizer, training.plan, epoch, scripted([4, 1, 3, 2]))

    assert not training.network.training
    for key, value in training.network.state_dict().items():
        assert torch.equal(value, states[1][key])
    assert not torch.equal(states[1]["0.weight"], states[3]["0.weight"])


def test_without_validation_all_epochs_are_run_and_the_last_is_kept(tmp_path: Path) -> None:
    training = Training(tmp_path, epochs=5, patience=1)

    fitted = run(training.network, training.optimizer, training.plan, training.epoch, None)

    assert fitted.best_epoch == 5
    assert all(row.validation_loss is None for row in fitted.rows)


def test_log(tmp_path: Path) -> None:
    fitted = Training(tmp_path, epochs=3).go()

    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["loss"]) for row in rows] == [row.loss for row in fitted.rows]
    assert [float(row["validation_loss"]) for row in rows] == [row.validation_loss for row in fitted.rows]


@pytest.mark.parametrize("damage", ["truncated", "empty", "html", "other network"])
def test_damaged_checkpoint(tmp_path: Path, damage: str) -> None:
    with pytest.raises(CutShort):
        Training(tmp_path).go(cut_after=3)
    path = tmp_path / "checkpoint.safetensors"
    training = Training(tmp_path)
    match damage:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-40])
        case "empty":
            path.write_bytes(b"")
        case "html":
            path.write_bytes(b"<html>not found</html>")
        case _:
            training.network = nn.Sequential(nn.Linear(9, 1))

    with pytest.raises(RunError, match=r"checkpoint\.safetensors cannot be taken up") as caught:
        training.go()

    assert caught.value.hint


def test_checkpoint_without_notes(tmp_path: Path) -> None:
    save_file({"now.0.weight": torch.zeros(1)}, tmp_path / "checkpoint.safetensors")

    with pytest.raises(RunError, match="cannot be taken up"):
        Training(tmp_path).go()


def test_a_checkpoint_keeps_the_network_twice_only_where_it_has_been_better(tmp_path: Path) -> None:
    for losses, parts in (([2.0, 1.0], {"best", "optimizer"}), ([1.0, 2.0], {"best", "now", "optimizer"})):
        training = Training(tmp_path / str(losses[0]), epochs=2)
        run(training.network, training.optimizer, training.plan, training.epoch, scripted(losses))

        assert {key.split(".")[0] for key in load_file(training.plan.folder / "checkpoint.safetensors")} == parts


def test_folder_may_be_moved_between_runs(tmp_path: Path) -> None:
    expected = Training(tmp_path / "whole").go()
    with pytest.raises(CutShort):
        Training(tmp_path / "here").go(cut_after=4)
    shutil.move(tmp_path / "here", tmp_path / "there")

    assert Training(tmp_path / "there").go() == expected


@pytest.mark.parametrize("where", ["save_file", "os.replace"])
def test_full_disk_says_so_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    expected = Training(tmp_path / "whole").go()
    actual: Any = {"save_file": save_file, "os.replace": os.replace}[where]
    written: list[object] = []

    def failing(*words: Any) -> None:
        written.append(words)
        if len(written) > 5:  # five checkpoints, or two with their logs and a third, find room
            raise OSError(28, "No space left on device")
        actual(*words)

    with monkeypatch.context() as patch:
        patch.setattr(f"senoscope.learning.fitting.loop.{where}", failing)
        with pytest.raises(RunError, match=r"cannot be written: .*No space left") as caught:
            Training(tmp_path / "full").go()

    assert "make room" in caught.value.hint
    assert not list((tmp_path / "full").glob("*.part"))
    assert len((tmp_path / "full" / "log.csv").read_text().splitlines()) == (6 if where == "save_file" else 3)
    assert Training(tmp_path / "full").go() == expected
