"""Patches of pictures: squares around outlined lesions and of ordinary tissue, kept as image files of their own."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Pil

from senoscope.core.cache import cache
from senoscope.core.domain.geometry import Box, Size
from senoscope.core.domain.image import Image
from senoscope.core.domain.recipe import Recipe
from senoscope.core.domain.recipe_parts import PatchRecipe
from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.io.ahead import batches
from senoscope.core.preprocess.regions import breast_mask
from senoscope.core.preprocess.steps import Gray
from senoscope.core.preprocess.surrounding import surrounding
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.tables.rows import path_inside, write_bytes

ORDINARY = "ordinary"
"""Label of a patch without a lesion."""

TRIES = 50
"""Places tried for a patch of ordinary tissue before it is given up."""

COVERED = 0.75
"""Share of such a patch that must lie on the breast."""


@dataclass(frozen=True)
class _Cut:
    """One patch: where, under which name and label."""

    box: Box
    name: str
    label: str


def patch_folder() -> Path:
    """Where squares are kept that any run may want again."""
    return cache() / "patches"


def lesion_patches(index: Index, recipe: PatchRecipe, folder: Path) -> Index:
    """Make a sample of its own of every outlined lesion: its square as an image file, with the picture's label.

    Lesions are named `<sample>#<number>` and stay in the group of the woman; samples without an outlined lesion are
    left out. A square that is there already is not written again.

    Args:
        index: samples with boxes or masks, and files.
        recipe: how large a square is.
        folder: where the squares are kept.

    Raises:
        DatasetError: no lesion is outlined, or a square cannot be written.
        InputError: a picture or a mask cannot be read.
    """
    return _written(index, lambda sample, image: _lesions(index, sample, image.size, recipe), folder)


def as_trained(index: Index, recipe: Recipe) -> Index:
    """Cut outlined lesions out for a model that was trained on lesions' squares; leave all else as it is.

    Squares already cut out, which lie in `patch_folder`, are left as they are too.

    Raises:
        DatasetError: the model was trained on lesions' squares, and no lesion is outlined.
    """
    if recipe.input.region != "lesion" or index.root == patch_folder():
        return index
    if not any(_outlined(sample) for sample in index.samples):
        raise DatasetError(
            f"{recipe.name} was trained on squares around outlined lesions, and {index.dataset} outlines none here",
            "measure it on a dataset with boxes or masks",
        )
    return lesion_patches(index, recipe.patch, patch_folder())


def lesions_and_tissue(index: Index, recipe: PatchRecipe, seed: int, folder: Path) -> Index:
    """Squares around outlined lesions, by their label, and of ordinary tissue, labelled `ORDINARY`.

    Ordinary tissue is of pictures without a lesion, `ordinary` squares of each; where the index has none of them, of
    those with one, beside it. Their sides are those of this index's lesions, drawn, like their places on the breast,
    from the seed and the sample's name.

    Args:
        index: the samples; nothing is taken from any other.
        recipe: how many, how large.
        seed: of what is drawn.
        folder: where the squares are kept.

    Raises:
        DatasetError: no lesion is outlined, or a square cannot be written.
        InputError: a picture or a mask cannot be read.
    """
    # A label that outlined lesions have is no promise of ordinary tissue where the outline is missing.
    suspect = {sample.label for sample in index.samples if _outlined(sample)}
    plain = any(sample.label not in suspect for sample in index.samples)
    sides = _sides(index, recipe)

    beside: dict[str, list[Sample]] = {}
    for sample in index.samples:
        beside.setdefault(sample.path, []).append(sample)

    def cuts(sample: Sample, image: Image) -> list[_Cut]:
        found = _lesions(index, sample, image.size, recipe)
        free = sample.label not in suspect if plain else bool(found)
        if not free or not sides:
            return found
        # Some datasets list a film once a lesion: what is beside one may be another.
        every = [cut.box for one in beside[sample.path] for cut in _lesions(index, one, image.size, recipe)]
        return [*found, *_tissue(sample, image, every, recipe.ordinary, (sides, seed))]

    return _written(index, cuts, folder)


def _outlined(sample: Sample) -> bool:
    return bool(sample.boxes or sample.masks)


def _sides(index: Index, recipe: PatchRecipe) -> list[float]:
    """Sides of the lesions' squares, in shares of their pictures' shorter sides."""
    found: list[float] = []
    for sample in index.samples:
        if _outlined(sample) and sample.path:
            size = read(index.root / sample.path).size
            found += [cut.box.width / min(size.width, size.height) for cut in _lesions(index, sample, size, recipe)]
    return found


def _lesions(index: Index, sample: Sample, size: Size, recipe: PatchRecipe) -> list[_Cut]:
    boxes = list(sample.boxes)
    if not boxes:
        inside = [path_inside(index.root, mask) for mask in sample.masks]
        boxes = [box for mask in inside if mask is not None and (box := mask_box(mask, size)) is not None]
    return [
        _Cut(surrounding(box, size, recipe.context, recipe.smallest), f"{sample.sample_id}#{number}", sample.label)
        for number, box in enumerate(boxes, 1)
    ]


def _tissue(
    sample: Sample, image: Image, lesions: list[Box], count: int, drawn_from: tuple[list[float], int]
) -> list[_Cut]:
    sides, seed = drawn_from
    number = int.from_bytes(hashlib.sha256(f"{seed} {sample.sample_id}".encode()).digest()[:8])
    random = np.random.default_rng(number)
    size, mask = image.size, breast_mask(image.pixels)
    found: list[_Cut] = []
    for _ in range(TRIES * count):
        if len(found) == count:
            break
        side = max(1, round(float(random.choice(sides)) * min(size.width, size.height)))
        left, top = int(random.integers(size.width - side + 1)), int(random.integers(size.height - side + 1))
        box = Box(left, top, side, side)
        if _covered(box, size, mask) >= COVERED and not any(_touch(box, lesion) for lesion in lesions):
            found.append(_Cut(box, f"{sample.sample_id}~{len(found) + 1}", ORDINARY))
    return found


def _covered(box: Box, size: Size, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None) -> float:
    if mask is None:
        return 1.0
    x0, y0, x1, y1 = box.edges
    columns = slice(x0 * mask.shape[1] // size.width, -(-x1 * mask.shape[1] // size.width))
    return float(mask[y0 * mask.shape[0] // size.height : -(-y1 * mask.shape[0] // size.height), columns].mean())


def _touch(one: Box, other: Box) -> bool:
    (a, b, c, d), (e, f, g, h) = one.edges, other.edges
    return a < g and e < c and b < h and f < d


def _written(index: Index, cuts: Callable[[Sample, Image], list[_Cut]], folder: Path) -> Index:
    kept = index.with_files()

    def of(position: int) -> list[Sample]:
        sample, digest = kept.samples[position], kept.file_hashes[position]
        image = read(kept.root / sample.path)
        return [
            replace(sample, sample_id=cut.name, label=cut.label, path=square_file(image, cut.box, digest, folder))
            for cut in cuts(sample, image)
        ]

    samples = [
        replace(patch, boxes=(), masks=())
        for (group,) in batches(of, range(len(kept.samples)), batch=1)
        for patch in group
    ]
    if all(sample.label == ORDINARY for sample in samples):
        raise DatasetError(
            f"{index.dataset} has no outlined lesion here", "use a dataset with boxes or masks, or whole pictures"
        )
    note = f"{len(samples):,} squares cut out of {len(kept.samples):,} pictures"
    return replace(index, root=folder, samples=tuple(samples), notes=(*index.notes, note))


def square_file(image: Image, box: Box, digest: str, folder: Path) -> str:
    """Name of the square's file, which is written unless it is there."""
    name = f"{hashlib.sha256(f'{digest} {box}'.encode()).hexdigest()}.png"
    if not (folder / name).is_file():
        x0, y0, x1, y1 = box.edges
        part = Gray().apply(image.pixels[y0:y1, x0:x1])
        if image.maximum != 255 or part.dtype != np.uint8:
            # A file of 16 bits says nothing of a full scale of its own.
            part = np.rint(np.clip(part / image.maximum, 0, 1) * 65535).astype(np.uint16)
        buffer = io.BytesIO()
        Pil.fromarray(part).save(buffer, "PNG")
        write_bytes(folder / name, buffer.getvalue())
    return name
