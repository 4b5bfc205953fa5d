"""BUSI: 780 breast ultrasound images of 600 women, in three classes, with lesion masks and without patient ids.

Whose image is whose is not published, and many lesions appear several times, so near-duplicates are clustered and the
cluster is the group. Some pictures appear under two classes. Nobody outside the hospital can say which class is right,
so both images of every near-duplicate pair with different labels are dropped; the rest of their clusters stays.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.index.duplicates import NEAR, Pair, Signature, joined, near_pairs, signatures
from senoscope.evidence.tables.rows import path_inside

SAME_SCENE = 65
"""Bits of 256 up to which two images count as one woman's. Of the 47 pairs between 21 and 65 bits 46 were looked at: 45
show one scene, shifted or zoomed a little, and keeping the other two images together costs nothing; the one
pair at 66 bits shows two, and pairs beyond were not looked at."""

LABELS = ("benign", "malignant", "normal")
FOLDER = "Dataset_BUSI_with_GT"
NAME = re.compile(r"(benign|malignant|normal) \((\d{1,6})\)\.png")


def _read(dataset: Dataset, root: Path) -> Index:
    base = _base(root)
    if base is None:
        raise dataset.wrong_folder(root, root)
    found, dropped = _list(base, root)
    readable: list[Sample] = []
    hashed: list[Signature] = []
    for sample, result in zip(found, signatures([root / sample.path for sample in found]), strict=True):
        if isinstance(result, InputError):
            dropped.append(Dropped(sample.path, f"unreadable: {result.message}"))
        else:
            readable.append(sample)
            hashed.append(result)
    pairs = near_pairs(hashed, SAME_SCENE)
    conflicts = _conflicts(readable, [pair for pair in pairs if pair.distance <= NEAR])
    dropped += [Dropped(readable[position].path, reason) for position, reason in sorted(conflicts.items())]
    cluster = joined(len(readable), pairs)
    names: dict[int, str] = {}
    samples = []
    for position, sample in enumerate(readable):
        group = names.setdefault(int(cluster[position]), sample.sample_id)
        if position not in conflicts:
            samples.append(_grouped(sample, group, root, dropped))
    notes = (
        dataset.share_note(len(found)),
        "no patient ids: the group is the cluster of images of one scene",
    )
    return Index(dataset.name, root, tuple(samples), tuple(dropped), notes + _conflict_note(len(conflicts)))


def _base(root: Path) -> Path | None:
    for choice in (root / "busi" / FOLDER, root / FOLDER, root):
        if any((choice / label).is_dir() for label in LABELS):
            return choice
    return None


def _list(base: Path, root: Path) -> tuple[list[Sample], list[Dropped]]:
    samples: list[tuple[str, int, Sample]] = []
    dropped: list[Dropped] = []
    for label in LABELS:
        folder = base / label
        names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        for name in sorted(names):
            path = (folder / name).relative_to(root).as_posix()
            match = NAME.fullmatch(name)
            if match is None:
                if "_mask" not in name and name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp")):
                    dropped.append(Dropped(path, f"not named '{label} (number).png'"))
            elif match[1] != label:
                dropped.append(Dropped(path, f"named {match[1]} in the folder {label}"))
            elif path_inside(root, path) is None:
                dropped.append(Dropped(path, "a link that leaves the folder"))
            else:
                stem = name.removesuffix(".png")
                sample = Sample(stem, "", stem, path, label, masks=_masks(folder, stem, names, root))
                samples.append((label, int(match[2]), sample))
    return [sample for *_, sample in sorted(samples, key=lambda entry: entry[:2])], dropped


def _masks(folder: Path, stem: str, names: set[str], root: Path) -> tuple[str, ...]:
    found = [f"{stem}_mask.png"] if f"{stem}_mask.png" in names else []
    while (name := f"{stem}_mask_{max(1, len(found))}.png") in names and name not in found:
        found.append(name)
    paths = [(folder / name).relative_to(root).as_posix() for name in found]
    return tuple(path for path in paths if path_inside(root, path) is not None)


def _conflicts(samples: Sequence[Sample], pairs: Sequence[Pair]) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for pair in pairs:
        first, second = samples[pair.first], samples[pair.second]
        if first.label != second.label:
            reasons.setdefault(pair.first, f"the same picture as {second.sample_id}, which has another label")
            reasons.setdefault(pair.second, f"the same picture as {first.sample_id}, which has another label")
    return reasons


def _conflict_note(count: int) -> tuple[str, ...]:
    return (f"{count} images dropped: the same picture appears under two labels",) if count else ()


def _grouped(sample: Sample, group: str, root: Path, dropped: list[Dropped]) -> Sample:
    boxes: list[Box] = []
    masks: list[str] = []
    for mask in sample.masks:
        try:
            box = mask_box(root / mask)
        except InputError as error:
            dropped.append(Dropped(mask, f"unreadable mask: {error.message}"))
            continue
        masks.append(mask)
        boxes += [box] if box else []
    return Sample(sample.sample_id, "", group, sample.path, sample.label, tuple(masks), tuple(boxes))


BUSI = Dataset(
    name="busi",
    title="Breast Ultrasound Images (BUSI)",
    tasks={
        "ultrasound": Labelling(),
        "ultrasound_outline": Labelling(words={"benign": "lesion", "malignant": "lesion", "normal": "tissue"}),
        "lesions": Labelling(words={"benign": "lesion", "malignant": "lesion", "normal": "tissue"}),
    },
    modality="ultrasound",
    licence="CC BY 4.0",
    url="https://scholar.cu.edu.eg/?q=afahmy/pages/dataset",
    citation="Al-Dhabyani W, Gomaa M, Khaled H, Fahmy A. Dataset of breast ultrasound images. Data in Brief 28 (2020) "
    "104863. doi:10.1016/j.dib.2019.104863",
    published={"benign": 437, "malignant": 210, "normal": 133},
    patients=600,
    layout=f"{FOLDER}/benign, malignant and normal with 'benign (1).png' and 'benign (1)_mask.png'",
    read=_read,
    same_women=("breastmnist",),
)
