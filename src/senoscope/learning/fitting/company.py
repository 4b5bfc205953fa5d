"""Several processes that fine-tune together, as `torchrun` starts them: the first leads, the others attend.

The leader does everything a lone process does, and alone reads datasets and writes; for each fine-tuning it hands the
others what is trained, and all go through it together, each with its share of every batch. What is handed over is
JSON and safetensors: whoever takes it runs nothing that came with it.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load, save
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from senoscope.core.errors import RunError, SenoscopeError, printable

State = dict[str, Tensor]
Message = tuple[Any, State]
"""Words as JSON has them, and tensors by name."""
Store = Any  # torch keeps its type to itself

PATIENCE = timedelta(days=7)
"""How long the others wait: the leader may embed a large dataset first. Who ends closes connections, which is seen."""
LARGEST = 2**34
"""Bytes of what is handed over: a checkpoint holds its network four times, and this is that of a billion weights."""
PIECE = 2**28
"""Bytes that go over the network at once."""
FAREWELL = 10.0
"""Seconds a process that failed gives the leader to say so."""
FAILED, SAID = "senoscope/failed", "senoscope/said"


@dataclass(frozen=True)
class Company:
    """This process among those that fine-tune together.

    Args:
        rank: which it is; the first, 0, leads.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that reads and writes."""
        return self.rank == 0

    def share(self, total: int) -> slice:
        """Places, of so many, that are this process's: next to each other, in the order of ranks."""
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def told(self, words: Any = None, tensors: State | None = None) -> Message:
        """Return what the leader says, in every process.

        Args:
            words: the leader's; what JSON can hold, where there are others.
            tensors: the leader's.

        Raises:
            RunError: in all of them, it is more than `LARGEST` bytes.
        """
        own: Message = words, tensors or {}
        if self.count == 1:
            return own
        if self.leads:
            _spread(json.dumps(words).encode())
            _spread(save({name: value.cpu().contiguous() for name, value in own[1].items()}))
            return own
        return json.loads(_spread()), load(_spread())


ALONE = Company()
_here = ALONE


def _spread(data: bytes | None = None) -> bytes:
    """Hand bytes from the leader, which has them, to the others."""
    length = torch.tensor([len(data or b"")])
    dist.broadcast(length, src=0)
    if not 0 < int(length) <= LARGEST:
        raise RunError(f"{int(length)} bytes to hand to other processes, {LARGEST} at most", "start one process")
    held = bytearray(data or int(length))
    for piece in torch.frombuffer(held, dtype=torch.uint8).split(PIECE):
        dist.broadcast(piece, src=0)
    return bytes(held)


def company() -> Company:
    """Return what this process belongs to; a lone process is its own leader."""
    return _here


def joined(mine: Tensor, share: slice, total: int) -> Tensor:
    """Rows of all processes, (total, …), of this one's; gradients find their way back to where a row came from.

    Args:
        mine: (at least n, …), of which the first n rows count.
        share: n places of theirs.
        total: rows there are.
    """
    found: Tensor = _Joined.apply(mine, share, total)
    return found


class _Joined(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, mine: Tensor, share: slice, total: int) -> Tensor:
        context.share, context.rows = share, len(mine)
        rows = mine.new_zeros(total, *mine.shape[1:])
        rows[share] = mine[: share.stop - share.start]
        dist.all_reduce(rows)
        return rows

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # Every process has the loss of the whole batch, and the mean over processes is taken of what this gives.
        own = gradients[0][context.share] * dist.get_world_size()
        spare = own.new_zeros(context.rows - len(own), *own.shape[1:])
        return torch.cat([own, spare]), None, None


@contextmanager
def led(attend: Callable[[Any, State], object]) -> Iterator[bool]:
    """Give whether this process leads; the others attend to what the leader hands out, and are let go at its end.

    Args:
        attend: does, in the others, what was handed out by `Company.told`: words and tensors.

    Raises:
        RunError: in the leader, another process failed; says how.
    """
    global _here
    if not dist.is_torchelastic_launched() or int(os.environ["WORLD_SIZE"]) == 1:
        yield True
        return
    store, rank, count = next(iter(rendezvous("env://")))
    if torch.cuda.is_available():
        _own_device()
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=PATIENCE)
    _here = Company(rank, count)
    try:
        if _here.leads:
            with _leading(store):
                yield True
        else:
            with _attending(store):
                while (job := _here.told())[0] is not None:
                    attend(*job)
            yield False
    finally:
        _here = ALONE
        _leave()


def _leave() -> None:
    if dist.is_initialized():
        with suppress(RuntimeError):
            dist.destroy_process_group()


def _own_device() -> None:
    local, devices = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= devices:
        raise RunError(
            f"{os.environ['LOCAL_WORLD_SIZE']} processes on a machine with {devices} GPUs",
            f"torchrun --nproc-per-node={devices}",
        )
    torch.cuda.set_device(local)


@contextmanager
def _leading(store: Store) -> Iterator[None]:
    try:
        yield
        _here.told()
    except RuntimeError as error:
        if not _parted(error):
            raise
        words = _last_words(store)
        raise RunError(*(words or ("another process ended", "run it again: finished epochs are kept"))) from error
    finally:
        store.set(SAID, "1")


@contextmanager
def _attending(store: Store) -> Iterator[None]:
    """End this process with one line where it is the one that failed, and without a word where the leader speaks."""
    try:
        yield
    except (SenoscopeError, OSError, RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and _parted(error):
            sys.exit(1)
        own = (error.message, error.hint) if isinstance(error, SenoscopeError) else (str(error) or repr(error), "")
        message, hint = (printable(words.splitlines()[0][:400] if words else "") for words in own)
        store.set(FAILED, f"process {_here.rank}: {message}\n{hint}")
        _leave()
        if not _heard(store):
            print(f"error: process {_here.rank}: {message}", file=sys.stderr, flush=True)  # noqa: T201 # no other way out
        sys.exit(1)


def _parted(error: RuntimeError) -> bool:
    """Whether an error says no more than that another process is gone."""
    words = str(error)
    return isinstance(error, dist.DistError) or "gloo" in words or "onnection" in words


def _last_words(store: Store) -> list[str]:
    """Message and hint of the process that failed; it may be about to write them."""
    for _ in range(20):
        if store.check([FAILED]):
            words: str = store.get(FAILED).decode()
            return words.split("\n", 1)
        time.sleep(0.1)
    return []


def _heard(store: Store) -> bool:
    """Whether the leader ended in time, with a moment for its line: whoever ends first has the others killed."""
    for _ in range(int(FAREWELL * 10)):
        if store.check([SAID]):
            time.sleep(1)
            return True
        time.sleep(0.1)
    return False
