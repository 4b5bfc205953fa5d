"""Two sides measured in turns, and the table and the file that tell of it."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

PACKAGES = ("senoscope", "numpy", "onnxruntime", "torch", "timm")


@dataclass(frozen=True)
class Turn:
    """One turn of one side: seconds by the clock, and seconds of processor time over all threads and children."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Comparison:
    """Ours against a peer.

    Args:
        title: what is measured.
        ours: what our side does.
        peer: what the other side does.
        ours_turns: our turns; the n-th was measured right beside the n-th of the peer.
        peer_turns: the peer's turns.
        required: least ratio, peer's time by ours; none where the comparison is for orientation.
        checks: claim → whether it held; both sides must do the same for their times to be compared.
        notes: what was measured on, figures beside the times.
    """

    title: str
    ours: str
    peer: str
    ours_turns: tuple[Turn, ...]
    peer_turns: tuple[Turn, ...]
    required: float | None
    checks: dict[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ratios(self) -> list[float]:
        """Peer's time by ours, turn by turn."""
        return [theirs.wall / ours.wall for ours, theirs in zip(self.ours_turns, self.peer_turns, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the turns' ratios: load that comes and goes falls on both sides of a turn."""
        return statistics.median(self.ratios)

    @property
    def cpu_ratio(self) -> float:
        """Median of the turns' ratios of processor time, which other programs disturb less."""
        pairs = zip(self.ours_turns, self.peer_turns, strict=True)
        return statistics.median(theirs.cpu / ours.cpu for ours, theirs in pairs)

    @property
    def met(self) -> bool:
        """Whether the ratio is reached by sides that do the same."""
        return all(self.checks.values()) and (self.required is None or self.ratio >= self.required)


def measure(
    ours: Callable[[int], object], peer: Callable[[int], object], turns: int, warm_up: bool = True
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Run both sides in turns, the first one alternating; each is given the number of its turn.

    Args:
        ours: our side.
        peer: the other side.
        turns: how many times each is measured.
        warm_up: whether each runs once before, as turn 0, unmeasured.
    """
    if warm_up:
        ours(0)
        peer(0)
    found: tuple[list[Turn], list[Turn]] = ([], [])
    for turn in range(1, turns + 1):
        sides = [(ours, found[0]), (peer, found[1])]
        for side, kept in sides if turn % 2 else reversed(sides):
            kept.append(timed(side, turn))
    return tuple(found[0]), tuple(found[1])


def timed(side: Callable[[int], object], turn: int) -> Turn:
    """Run a side once."""
    cpu, start = sum(os.times()[:4]), time.perf_counter()
    side(turn)
    return Turn(time.perf_counter() - start, sum(os.times()[:4]) - cpu)


def show(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print the table, then checks and notes."""
    table = Table(box=box.SIMPLE_HEAD, title="ratio = peer's time / ours, median of the turns (least to most)")
    for heading in ("what", "ours", "peer", "ratio", "by CPU time", "required", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for item in comparisons:
        table.add_row(
            item.title,
            _seconds(item.ours_turns),
            _seconds(item.peer_turns),
            f"{item.ratio:.2f} ({min(item.ratios):.2f}–{max(item.ratios):.2f})",
            f"{item.cpu_ratio:.2f}",
            "-" if item.required is None else f"≥ {item.required:g}",
            _verdict(item),
        )
    console.print(table)
    for item in comparisons:
        lines = [f"{item.title}, {len(item.ratios)} turns", f"  ours: {item.ours}", f"  peer: {item.peer}"]
        lines += [f"  {'holds' if held else 'DOES NOT HOLD'}: {claim}" for claim, held in item.checks.items()]
        console.print("\n".join([*lines, *(f"  {note}" for note in item.notes)]), highlight=False, markup=False)


def _seconds(turns: tuple[Turn, ...]) -> str:
    median = statistics.median(turn.wall for turn in turns)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1e3:.1f} ms"


def _verdict(item: Comparison) -> str:
    if not all(item.checks.values()):
        return "NOT COMPARABLE"
    if item.required is None:
        return "for orientation"
    return "met" if item.met else "MISSED"


def write(name: str, comparisons: Sequence[Comparison], folder: Path) -> Path:
    """Write one benchmark's comparisons and what they ran on as JSON; returns the file."""
    found = {
        "machine": {
            "processor": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "load": list(os.getloadavg()),
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
        "comparisons": [
            {**asdict(item), "ratio": item.ratio, "cpu_ratio": item.cpu_ratio, "met": item.met} for item in comparisons
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path
