"""Proposed regions as files: a mask and outlines for each picture, and one table that says how they came about.

FOLDER/
  settings.json   how regions are proposed
  masks/          a grey PNG for each picture: 255 is proposed
  outlines/       GeoJSON that QuPath opens, in pixels of the picture
  parts/          a table for each group that is done
  proposals.csv   all of them: made last, from the parts
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.image import Image
from senoscope.core.errors import InputError, UsageError
from senoscope.core.io import read
from senoscope.core.preprocess.components import components
from senoscope.evidence.proposals.colour import Colours, Settings, colours_of, proposed
from senoscope.evidence.proposals.sources import Picture, grouped
from senoscope.evidence.tables.rows import Row, read_rows, write_bytes, write_rows, write_text
from senoscope.runtime.outputs.outlines import mask_png
from senoscope.runtime.slides.shapes import outlines

COLUMNS = (
    *("name", "path", "group", "status", "mask", "outlines", "sha256", "share", "regions", "method", "microns"),
    *("light", "threshold", "haematoxylin", "eosin", "note"),
)

PROPOSED, KEPT, FAILED = "proposed", "kept", "failed"
"""Status of a picture: its mask is ours; another file lay in its place, or it was changed since; it has none."""

ANEW = "give another folder, or remove this one"

WORD, COLOUR = "Tumor, proposed by colour", (200, 120, 0)
"""Class of the outlines in QuPath."""


def propose(
    pictures: list[Picture],
    root: Path,
    out: Path,
    settings: Settings,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> list[Row]:
    """Write proposals of all pictures; run it again to go on where it stopped.

    A file that lies where a mask belongs and is not the proposal itself is a reader's: it is never written over.

    Args:
        pictures: paths relative to `root`.
        root: folder of the pictures; nothing is written into it.
        out: folder of the proposals.
        settings: how.
        progress: told of each picture.

    Returns:
        Rows of `proposals.csv`.

    Raises:
        UsageError: `out` lies in `root`, or holds proposals of other settings or pixels of another size.
        DatasetError: the folder cannot be written.
        MissingExtraError: scipy is not installed.
    """
    if out.resolve() == root.resolve() or root.resolve() in out.resolve().parents:
        raise UsageError(f"{out} lies among the pictures", "give a folder of its own, so that no mask is written over")
    _settled(out, settings)
    stems = _stems(pictures)
    rows: list[Row] = []
    for group in grouped(pictures):
        part = out / "parts" / f"{_digest('|'.join(picture.path for picture in group))[:24]}.csv"
        if not part.is_file():
            write_rows(part, COLUMNS, _group(group, root, out, settings, stems))
        made = read_rows(part, COLUMNS)
        if {row["path"]: row["microns"] for row in made} != {one.path: str(one.microns) for one in group}:
            raise UsageError(f"{out} holds proposals of pixels of another size", ANEW)
        rows += made
        progress("proposing", len(rows), len(pictures))
    rows = [_as_it_is(row, out) for row in rows]
    write_rows(out / "proposals.csv", COLUMNS, rows)
    return rows


def _settled(out: Path, settings: Settings) -> None:
    path, text = out / "settings.json", json.dumps(asdict(settings), indent=1) + "\n"
    if path.is_file() and path.read_text("utf-8") != text:
        raise UsageError(f"{out} holds proposals of other settings", ANEW)
    write_text(path, text)


def _stems(pictures: list[Picture]) -> dict[str, str]:
    """Name of each picture's files by its path: without the suffix, but where another one has that name already."""
    short = {picture.path: str(Path(picture.path).with_suffix("")) for picture in pictures}
    times = Counter(short.values())
    return {path: stem if times[stem] == 1 else path for path, stem in short.items()}


def _group(
    group: list[Picture], root: Path, out: Path, settings: Settings, stems: Mapping[str, str]
) -> list[dict[str, object]]:
    """Rows of pictures that were stained alike, their files written."""
    images: list[tuple[Picture, Image]] = []
    rows: list[dict[str, object]] = []
    for picture in group:
        try:
            image = read(root / picture.path)
            if image.pixels.ndim != 3 or image.pixels.dtype == np.float32:
                raise InputError(f"{picture.path} is grey, or of floating point: no colour to tell stains by")
            images.append((picture, image))
        except InputError as error:
            rows.append(_row(picture, settings, status=FAILED, note=error.message))
    try:
        colours = colours_of([(image, picture.microns) for picture, image in images], settings) if images else None
    except InputError as error:
        return rows + [_row(picture, settings, status=FAILED, note=error.message) for picture, _ in images]
    for picture, image in images:
        assert colours is not None
        rows.append(_picture(picture, image, colours, out, settings, stems[picture.path]))
    return rows


def _picture(
    picture: Picture, image: Image, colours: Colours, out: Path, settings: Settings, stem: str
) -> dict[str, object]:
    mask = proposed(image, picture.microns, colours, settings)
    files = {"mask": f"masks/{stem}.png", "outlines": f"outlines/{stem}.geojson"}
    numbers, count = components(mask)
    content = mask_png(mask.astype(np.uint8), 2)
    place = out / files["mask"]
    found = {
        "share": f"{mask.mean():.6f}",
        "regions": count,
        "light": " ".join(f"{value:.3f}" for value in colours.light),
        "threshold": f"{colours.threshold:.6f}",
        "haematoxylin": " ".join(f"{value:.4f}" for value in colours.vectors[0]),
        "eosin": " ".join(f"{value:.4f}" for value in colours.vectors[1]),
        **files,
    }
    if place.exists() and place.read_bytes() != content:
        return _row(picture, settings, status=KEPT, note="another file lies there", **found)
    write_bytes(out / files["outlines"], _geojson(numbers, count, picture.path))
    write_bytes(place, content)
    return _row(picture, settings, status=PROPOSED, sha256=hashlib.sha256(content).hexdigest(), **found)


def _row(picture: Picture, settings: Settings, **found: object) -> dict[str, object]:
    about = {"name": picture.name, "path": picture.path, "group": picture.group, "microns": picture.microns}
    return {**about, "method": settings.method, **found}


def _as_it_is(row: Row, out: Path) -> Row:
    """A row, told anew where a reader has changed or removed the mask since."""
    if row["status"] != PROPOSED:
        return row
    place = out / row["mask"]
    if not place.is_file():
        return {**row, "status": KEPT, "note": "removed since"}
    same = hashlib.sha256(place.read_bytes()).hexdigest() == row["sha256"]
    return row if same else {**row, "status": KEPT, "note": "changed since"}


def _geojson(numbers: NDArray[np.int32], count: int, name: str) -> bytes:
    # It is there: haematoxylin was averaged with it.
    from scipy.ndimage import find_objects

    features: list[dict[str, Any]] = []
    for number, part in enumerate(find_objects(numbers, count), 1):
        top, left = part[0].start, part[1].start
        rings = [[[x + left, y + top] for x, y in ring] for ring in outlines(numbers[part] == number)]
        features.append(
            {
                "type": "Feature",
                "id": _digest(f"{name} {number}")[:32],
                "geometry": {"type": "Polygon", "coordinates": rings},
                "properties": {
                    "objectType": "annotation",
                    "name": f"Proposal {number}",
                    "classification": {"name": WORD, "color": list(COLOUR)},
                },
            }
        )
    return (json.dumps({"type": "FeatureCollection", "features": features}) + "\n").encode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
