"""Miniatures of public thermography sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DMR_IR_FILES = (
    "healthy/T0001.1.1.S.2012-10-08.00",
    "healthy/T0090.1.1.S.2012-11-12.00",
    "healthy/T0091.1.1.S.2012-11-12.00",
    "sick/T0180.1.1.S.2013-08-16.00",
    "sick/T0180.2.1.S.2014-08-16.00",
    "sick/T0180.2.2.D.2014-08-16.19",
    "sick/T0261.1.1.S.2014-11-11.00",
)


def thermogram(seed: int, width: int = 64, height: int = 48) -> NDArray[np.float64]:
    """Draw a warm body before a cool room, (height, width) °C in steps of 0.05."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    body = 9 * np.exp(-(((x - width / 2) / (0.35 * width)) ** 4) - ((y - height / 2) / (0.6 * height)) ** 4)
    return np.asarray(np.round((23 + body + random.normal(0, 0.15, (height, width))) / 0.05) * 0.05)


def breasts(
    seed: int,
    *,
    shift: int = 0,
    noise: float = 0.05,
    room: float = 22.0,
    spot: float = 0.0,
    marker: int = 0,
) -> NDArray[np.float32]:
    """Draw a woman with raised arms, (240, 320) °C: torso, arms, head, two cooler breasts above two warm folds.

    Args:
        seed: of the noise.
        shift: columns from the middle to her axis.
        noise: standard deviation of the sensor's noise.
        room: °C of all that is not her.
        spot: °C by which a place on one breast is warmer.
        marker: side in pixels of a cold square on the skin below the breasts.
    """
    y, x = np.mgrid[0:240, 0:320]
    across = np.abs(x - 159.5 - shift)
    torso = (across < 95 - 10 * np.cos((y - 40) / 40)) & (y > 60)
    arms = (np.abs(y - 75 + 0.6 * (across - 85)) < 22) & (across > 60) & (across < 150)
    head = (across < 22) & (y < 70)
    levels = 33.0 + 0.004 * y
    levels = levels - 2.0 * np.exp(-(((across - 48) / 26) ** 2) - ((y - 135) / 28) ** 2)
    levels = levels + 1.5 * np.exp(-(((across - 48) / 34) ** 2) - ((y - 172) / 6) ** 2)
    levels = levels + spot * np.exp(-(((x - 112 - shift) / 9) ** 2) - ((y - 128) / 9) ** 2)
    levels[(across < marker / 2) & (np.abs(y - 205) < marker / 2)] = 25.0
    drawn = np.where(torso | arms | head, levels, room)
    return (drawn + np.random.default_rng(seed).normal(0, noise, drawn.shape)).astype(np.float32)


def matrix_text(values: NDArray[np.float64]) -> str:
    """Write temperatures as a camera's export does: a line a row, two decimals."""
    return "".join(" ".join(f"{value:.2f}" for value in row) + "\n" for row in values)


def dmr_ir(folder: Path, *, table: bool = True) -> Path:
    """Write a miniature of DMR-IR: 90 and 91 are one woman, 180 came twice, the diagnosis of 261 is uncertain."""
    lines = ["file,label,patient,visit,date"]
    for name in DMR_IR_FILES:
        label, stem = name.split("/")
        number, visit, _, _, day, _ = stem[1:].split(".")
        (folder / label).mkdir(parents=True, exist_ok=True)
        values = thermogram(90 if number == "0091" else int(number) + int(visit))
        (folder / f"{name}.txt").write_text(matrix_text(values), encoding="ascii")
        lines.append(f"{name},{label},{int(number)},{visit},{day}")
    if table:
        (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
