"""Several processes that fine-tune together come to what one comes to, and end together."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from senoscope.core.domain.recipe_parts import JitterRecipe
from senoscope.core.errors import RunError
from senoscope.core.preprocess.pipeline import Pipeline
from senoscope.core.preprocess.steps import Resize
from senoscope.learning.data.pictures import Pictures, PictureSource
from senoscope.learning.fitting.company import ALONE, Company, company, joined, led
from senoscope.learning.fitting.shared import Shared
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.weights import resolve
from tests.makers import busi

TEXT = """
name = "mini"
task = "ultrasound"
dataset = "busi"

[split]
mode = "crossval"
folds = 3

[input]
size = 64
fit = "stretch"

[model]
backbone = "test_resnet"
pretrained = false
head = "papers"
hidden = 32

[fit]
epochs = 5
batch = 4
rate = 0.003

[finetune]
epochs = 3
batch = 5  # of two processes, one has three pictures of it
accumulate = 2
"""

ENDING = """
import os, signal, sys
from pathlib import Path
import numpy as np, torch
from senoscope.cli import main
from senoscope.core.errors import InputError
from senoscope.learning.data import pictures

reading = pictures.read
def broken(path):
    if os.environ["RANK"] == "1" and {how!r} == "error":
        raise InputError(f"{{path.name}} cannot be read", "look at it")
    if os.environ["RANK"] == "1" and {how!r} == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ["RANK"] == "0" and {how!r} == "leader":
        raise InputError("the leader cannot read", "look at it")
    return reading(path)
pictures.read = broken
main()
"""
"""A process of a company that ends in the middle of the fine-tuning."""

PLAIN = """
import os, pickle, sys
from torch import distributed
from torch.distributed import distributed_c10d
from senoscope.cli import main

def refused(*words, **more):
    raise AssertionError("something is pickled")
for module in (distributed, distributed_c10d):
    for name in dir(module):
        if name.endswith(("_object", "_object_list")):
            setattr(module, name, refused)
class Refused:
    __init__ = refused
if os.environ["RANK"] == "1":
    pickle.dump = pickle.dumps = pickle.load = pickle.loads = refused
    distributed_c10d._pickler = distributed_c10d._unpickler = Refused
    sys.addaudithook(lambda event, words: refused() if event == "pickle.find_class" else None)
main()
"""
"""A process of a company that ends where it pickles, or hands over what torch would pickle."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    busi(folder / "data", 18)
    (folder / "mini.toml").write_text(TEXT)
    return folder


@pytest.fixture(scope="module")
def one(home: Path) -> Path:
    """A run of a lone process."""
    done = _run([sys.executable, "-m", "senoscope"], home, "one")
    assert done.returncode == 0, done.stderr
    return home / "one"


@pytest.fixture(scope="module")
def two(home: Path) -> Path:
    """The same run of two, in which nothing is pickled to be handed over."""
    (home / "plain.py").write_text(PLAIN)
    done = _run(_torchrun(str(home / "plain.py")), home, "two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bundle:") == 1
    return home / "two"


def _torchrun(*program: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *program]


def _words(home: Path, out: str, *changes: str) -> list[str]:
    words = ["train", str(home / "mini.toml"), "--data", str(home / "data"), "--out", str(home / out)]
    return [*words, *(word for change in changes for word in ("--set", change))]


def _env(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "SENOSCOPE_WEIGHTS"}
    return {**kept, "SENOSCOPE_CACHE": str(home / "cache"), "OMP_NUM_THREADS": "1"}


def _run(program: list[str], home: Path, out: str, *changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*program, *_words(home, out, *changes)],
        env=_env(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def _log(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_two_processes_come_to_what_one_comes_to(one: Path, two: Path) -> None:
    alone, together = (_log(folder / "folds" / "0" / "backbone") for folder in (one, two))

    assert len(alone) == len(together) == 3
    for first, second in zip(alone, together, strict=True):
        # Sums in another order, and Adam divides small gradients by their own size.
        assert second["loss"] == pytest.approx(first["loss"], abs=2e-3)
        assert second["validation_loss"] == pytest.approx(first["validation_loss"], abs=2e-3)
    assert (one / "folds/0/head/log.csv").read_bytes() == (two / "folds/0/head/log.csv").read_bytes()
    left, right = (_last(run / "folds/0/backbone/checkpoint.safetensors") for run in (one, two))
    assert left.keys() == right.keys()
    weights = [key for key in left if left[key].is_floating_point()]
    apart = torch.cat([(left[key] - right[key]).abs().flatten() for key in weights])
    assert float(apart.mean()) < 1e-5
    chances = [np.array([float(row["probability"]) for row in _predictions(run)]) for run in (one, two)]
    # Logits that lie close together are spread by the calibration, and what tells them apart with them.
    np.testing.assert_allclose(chances[0], chances[1], atol=0.05)


def _last(checkpoint: Path) -> dict[str, torch.Tensor]:
    """What the last epoch left; which one was best hangs on the last digit of losses that lie close together."""
    held = load_file(checkpoint)
    part = "now." if any(key.startswith("now.") for key in held) else "best."
    return {key.removeprefix(part): value for key, value in held.items() if key.startswith(part)}


def _predictions(run: Path) -> list[dict[str, str]]:
    with (run / "report" / "predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_frozen_recipe_is_the_leaders_alone(home: Path) -> None:
    for program, out in (([sys.executable, "-m", "senoscope"], "frozen"), (_torchrun("-m", "senoscope"), "frozen2")):
        done = _run(program, home, out, "finetune.epochs=0")
        assert done.returncode == 0, done.stderr

    assert (home / "frozen/folds/0/refit/head/log.csv").read_bytes() == (
        home / "frozen2/folds/0/refit/head/log.csv"
    ).read_bytes()
    assert _predictions(home / "frozen") == _predictions(home / "frozen2")


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_two_killed_and_run_again_end_as_two_that_were_not(home: Path, two: Path) -> None:
    command = [*_torchrun("-m", "senoscope"), *_words(home, "killed")]
    log = home / "killed" / "folds" / "0" / "backbone" / "log.csv"
    with subprocess.Popen(
        command, env=_env(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        until = time.monotonic() + 840
        while not log.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        _kill(process.pid)
    assert log.exists()
    assert not (home / "killed" / "report").exists()

    done = _run(_torchrun("-m", "senoscope"), home, "killed")

    assert done.returncode == 0, done.stderr
    assert log.read_bytes() == (two / "folds" / "0" / "backbone" / "log.csv").read_bytes()
    assert _predictions(home / "killed") == _predictions(two)


def _kill(leader: int) -> None:
    """Kill a process and all it started: `torchrun` gives each of its own a session."""
    below = [leader]
    for process in below:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            below += [int(child) for child in children.read_text().split()]
    for process in below:
        os.kill(process, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("error", "error: process 1: "),
        ("leader", "error: the leader cannot read"),
        ("kill", None),
    ],
)
def test_one_that_ends_ends_all(home: Path, how: str, line: str | None) -> None:
    (home / f"{how}.py").write_text(ENDING.format(how=how))
    begun = time.monotonic()

    done = _run(_torchrun(str(home / f"{how}.py")), home, how)

    assert done.returncode != 0
    assert time.monotonic() - begun < 840
    said = [text for text in done.stderr.splitlines() if text.startswith("error:")]
    if line:
        (words,) = said
        assert words.startswith(line)
        assert "cannot" in words
    assert "senoscope/learning" not in done.stderr  # the one traceback is torchrun's, of its children's end
    assert not (home / how / "report").exists()
    shutil.rmtree(home / how)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of one."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(("total", "count"), [(5, 2), (1, 2), (16, 3), (2, 4)])
def test_shares_are_all_of_it_and_differ_by_one(total: int, count: int) -> None:
    shares = [Company(rank, count).share(total) for rank in range(count)]

    assert [place for share in shares for place in range(total)[share]] == list(range(total))
    sizes = [share.stop - share.start for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_what_is_told_is_plain_bytes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[torch.Tensor] = []
    weights = {"one": torch.arange(6.0).reshape(2, 3).T, "none": torch.zeros(0), "count": torch.tensor(3)}
    monkeypatch.setattr(f"{company.__module__}.PIECE", 50)
    monkeypatch.setattr(dist, "broadcast", lambda piece, src: sent.append(piece.clone()))
    said = Company(0, 2).told({"é": [1, 2.5, None]}, weights)
    left = list(sent)
    monkeypatch.setattr(dist, "broadcast", lambda piece, src: piece.copy_(left.pop(0)))

    words, tensors = Company(1, 2).told()

    assert not left
    assert said == ({"é": [1, 2.5, None]}, weights)
    assert words == said[0]
    assert tensors.keys() == weights.keys()
    assert all(torch.equal(tensors[name], weights[name]) for name in weights)
    assert json.loads(bytes(sent[1].tolist())) == words
    assert {piece.dtype for piece in sent} == {torch.int64, torch.uint8}
    assert max(piece.numel() for piece in sent) == 50


def test_more_than_is_allowed_is_neither_sent_nor_made_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[torch.Tensor] = []
    monkeypatch.setattr(dist, "broadcast", lambda piece, src: sent.append(piece))
    monkeypatch.setattr(f"{company.__module__}.LARGEST", 100)
    with pytest.raises(RunError, match="102 bytes"):
        Company(0, 2).told("a" * 100)
    assert len(sent) == 1

    for length in (101, 2**62, 0, -1):
        monkeypatch.setattr(dist, "broadcast", lambda piece, src, length=length: piece.fill_(length))
        with pytest.raises(RunError, match=f"{length} bytes"):
            Company(1, 2).told()


def test_what_is_joined_gives_its_gradient_back_and_none_to_a_row_that_does_not_count(group: None) -> None:
    mine = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

    found = joined(mine, slice(1, 2), 3)
    (found * torch.arange(6.0).reshape(3, 2)).sum().backward()  # type: ignore[no-untyped-call]

    assert found.tolist() == [[0, 0], [1, 2], [0, 0]]
    assert mine.grad is not None
    assert mine.grad.tolist() == [[2, 3], [0, 0]]


def test_parameters_behind_the_last_map_are_waited_for_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [path for path in sorted(busi(tmp_path, 1).rglob("*.png")) if "mask" not in path.name]
    backbone = resolve("mobilenetv3_small_050", pretrained=False)
    classifier = Classifier(backbone, LogisticHead(backbone.features))
    classifier.requires_grad_(True)
    pictures = Pictures(paths, Pipeline((Resize(64, 64),)), np.zeros(len(paths), np.int64))
    monkeypatch.setattr("senoscope.learning.fitting.shared.company", lambda: Company(0, 2))

    Shared(classifier).prepare(PictureSource(pictures, JitterRecipe(), 0))

    idle = {name for name, parameter in classifier.named_parameters() if not parameter.requires_grad}
    assert idle == {"backbone.conv_head.weight", "backbone.conv_head.bias"}
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_a_lone_process_leads_and_is_told_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)

    with led(lambda words, tensors: pytest.fail(json.dumps(words))) as leads:
        assert leads
        assert company() is ALONE
        assert ALONE.told("word") == ("word", {})
