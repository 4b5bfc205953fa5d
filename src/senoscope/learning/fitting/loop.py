"""Epochs with early stopping, a best checkpoint, and a resume that ends where an uninterrupted run does."""

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from senoscope.core.errors import RunError
from senoscope.learning.fitting.company import ALONE, Company, State


@dataclass(frozen=True)
class Validation:
    """Loss and ROC AUC on the validation part."""

    loss: float
    auc: float


@dataclass(frozen=True)
class Row:
    """One line of `log.csv`; validation is absent in a refit on all patients."""

    epoch: int
    loss: float
    validation_loss: float | None
    validation_auc: float | None


@dataclass(frozen=True)
class Fitted:
    """How a fit went; the network holds the weights of the best epoch."""

    best_epoch: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Plan:
    """How long to go on.

    Args:
        epochs: at most so many.
        patience: epochs without a lower validation loss after which it stops.
        seed: randomness of epoch `e` is drawn from (seed, e), so that a resumed run draws the same.
        folder: where `checkpoint.safetensors` and `log.csv` are kept.
    """

    epochs: int
    patience: int
    seed: int
    folder: Path


def run(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Plan,
    epoch: Callable[[int], float],
    validate: Callable[[], Validation] | None,
    progress: Callable[[Row], None] = lambda row: None,
    together: Company = ALONE,
) -> Fitted:
    """Train until the plan ends, keeping the best state; take up a checkpoint where there is one.

    Args:
        network: what is trained; left in evaluation mode with the best weights.
        optimizer: over its parameters.
        plan: how long.
        epoch: trains one epoch, given its number from 1, and returns the mean training loss.
        validate: judges the network in evaluation mode; without it, all epochs are run and the last is kept.
        progress: called after each epoch, resumed ones included.
        together: processes that do the same; the leader alone reads and writes, and `validate` finds the same in all.
    """
    path = plan.folder / "checkpoint.safetensors"
    if together.leads:
        plan.folder.mkdir(parents=True, exist_ok=True)
    notes, tensors = together.told(*_read(path)) if together.leads else together.told()
    rows, best, best_row = ([], {}, None) if notes is None else _taken_up(path, notes, tensors, network, optimizer)
    if rows and together.leads:  # a kill may have come between the checkpoint and the log
        write_log(plan.folder / "log.csv", rows)
    for row in rows:
        progress(row)
    for number in range(len(rows) + 1, plan.epochs + 1):
        if validate and best_row and number - best_row.epoch > plan.patience:
            break
        torch.manual_seed(plan.seed * 100_003 + number)
        network.train()
        loss = epoch(number)
        network.eval()
        found = validate() if validate else None
        row = Row(number, loss, found.loss if found else None, found.auc if found else None)
        rows.append(row)
        if best_row is None or found is None or _better(found.loss, best_row.validation_loss):
            best_row, best = row, _copy(network.state_dict())
        if together.leads:
            _save(path, network, optimizer, rows, best, best_row.epoch)
            write_log(plan.folder / "log.csv", rows)
        progress(row)
    assert best_row is not None
    network.load_state_dict(best)
    network.eval()
    return Fitted(best_row.epoch, tuple(rows))


def _better(loss: float, best: float | None) -> bool:
    # A loss that is no number must not stand as the best for ever.
    return best is None or math.isnan(best) or loss < best


def _copy(state: State) -> State:
    # Channels last, as fine-tuning has weights, is no layout of the file's.
    return {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in state.items()}


def _save(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, rows: list[Row], best: State, best_epoch: int
) -> None:
    tensors = {f"best.{key}": value for key, value in best.items()}
    if best_epoch < len(rows):  # else what is now is what is best, and is kept once
        tensors |= {f"now.{key}": value for key, value in _copy(network.state_dict()).items()}
    for number, slots in optimizer.state_dict()["state"].items():
        kept = {slot: value for slot, value in slots.items() if isinstance(value, Tensor)}
        tensors |= {f"optimizer.{number}.{slot}": value for slot, value in _copy(kept).items()}
    notes = {"rows": json.dumps([list(row.__dict__.values()) for row in rows]), "best_epoch": str(best_epoch)}
    with _written(path) as temporary:
        save_file(tensors, temporary, notes)


def _read(path: Path) -> tuple[dict[str, str] | None, State]:
    """Notes and tensors of a checkpoint; no notes where there is none."""
    if not path.is_file():
        return None, {}
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 # not a dict
    except (SafetensorError, OSError) as error:
        raise _refused(path, error) from error


def _taken_up(
    path: Path, notes: dict[str, str], tensors: State, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[list[Row], State, Row | None]:
    try:
        parts: dict[str, State] = {"now": {}, "best": {}, "optimizer": {}}
        for key, value in tensors.items():
            part, rest = key.split(".", 1)
            parts[part][rest] = value
        network.load_state_dict(parts["now"] or parts["best"])
        _restore(optimizer, parts["optimizer"])
        rows = [Row(*values) for values in json.loads(notes["rows"])]
        return rows, parts["best"], rows[int(notes["best_epoch"]) - 1]
    except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: Exception) -> RunError:
    return RunError(f"{path} cannot be taken up: {str(error)[:160]}", "remove the run folder, or give another")


def _restore(optimizer: torch.optim.Optimizer, tensors: State) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, slot = key.split(".", 1)
        state.setdefault(int(number), {})[slot] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def write_log(path: Path, rows: list[Row]) -> None:
    """Write what a fit's epochs came to, whole or not at all."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["epoch", "loss", "validation_loss", "validation_auc"])
    writer.writerows(["" if value is None else value for value in row.__dict__.values()] for row in rows)
    with _written(path) as temporary:
        temporary.write_text(buffer.getvalue())


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Give a place to write to, which becomes `path` once all of it is written; what was there before stays till then.

    Raises:
        RunError: it cannot be written, as on a full disk.
    """
    temporary = path.with_suffix(".part")
    try:
        yield temporary
        os.replace(temporary, path)
    except (SafetensorError, OSError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(
            f"{path} cannot be written: {str(error)[:160]}", "make room and run it again: finished epochs are kept"
        ) from error
