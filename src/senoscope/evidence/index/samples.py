"""What a dataset adapter yields: which images there are, whose they are, and what they show."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from senoscope.core.domain.bundle import DatasetFingerprint
from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError


@dataclass(frozen=True)
class Sample:
    """One image with what is known of it.

    Args:
        sample_id: unique within the dataset.
        patient_id: the woman, or "" where the publisher gives none.
        group: unit of every split and every interval: the patient, or several who are known to be one woman; else the
            cluster of near-duplicates.
        path: image file, relative to the index's root; "" where the publisher lists an image that is not on this disk.
        label: class, in the words of the dataset's tasks.
        masks: mask files, one a lesion, relative to the root.
        boxes: lesions, in pixels of the stored image.
        laterality: `L`, `R`, or "".
        view: projection or plane, or "".
        facts: whatever else the publisher says, by its own names.
    """

    sample_id: str
    patient_id: str
    group: str
    path: str
    label: str
    masks: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    laterality: str = ""
    view: str = ""
    facts: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Dropped:
    """A file that is there and is not in the index, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Index:
    """The samples of one dataset under one folder.

    Args:
        dataset: name in `DATASETS`.
        root: folder the paths are relative to.
        samples: in a fixed order, whatever the file system says.
        dropped: files left out, with the reason.
        notes: what a reader of any result must know, one sentence each.
    """

    dataset: str
    root: Path
    samples: tuple[Sample, ...]
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for sample in self.samples:
            if sample.sample_id in seen:
                raise DatasetError(
                    f"{self.dataset}: sample {sample.sample_id!r} is listed twice",
                    f"as {seen[sample.sample_id] or 'a row'} and {sample.path or 'a row'}; was it unpacked twice?",
                )
            seen[sample.sample_id] = sample.path

    def __len__(self) -> int:
        return len(self.samples)

    def paths(self) -> list[Path]:
        """Image files, in the order of the samples."""
        return [self.root / sample.path for sample in self.samples]

    def counts(self) -> dict[str, int]:
        """Samples of each label, labels in alphabetical order."""
        labels = [sample.label for sample in self.samples]
        return {label: labels.count(label) for label in sorted(set(labels))}

    def with_labels(self, labels: Collection[str]) -> "Index":
        """Keep the samples that have one of these labels, and note the others; none left raises `DatasetError`."""
        kept = tuple(sample for sample in self.samples if sample.label in labels)
        if not kept:
            found = ", ".join(self.counts()) or "nothing"
            raise DatasetError(f"{self.dataset} has no sample labelled {' or '.join(labels)}", f"it has {found}")
        others = ", ".join(f"{count} {label}" for label, count in self.counts().items() if label not in labels)
        note = (f"left out, as the task does not know the label: {others}",) if others else ()
        return replace(self, samples=kept, notes=self.notes + note)

    def only(self, wanted: Mapping[str, Collection[str]]) -> "Index":
        """Keep the samples whose facts have one of the values named, and note what was asked.

        Args:
            wanted: facts, `laterality` and `view` among them, and the values each may have; none keeps everything.

        Raises:
            DatasetError: the dataset has no such fact, the fact never has such a value, or no sample is left.
        """
        if not wanted:
            return self
        known = [{**sample.facts, "laterality": sample.laterality, "view": sample.view} for sample in self.samples]
        for fact, values in wanted.items():
            said = {facts[fact] for facts in known if facts.get(fact)}
            if not said:
                raise self._no_such("fact", fact, {name for facts in known for name, word in facts.items() if word})
            for value in values:
                if value not in said:
                    raise self._no_such(fact, value, said)
        kept = [all(facts.get(fact) in values for fact, values in wanted.items()) for facts in known]
        words = " and ".join(f"{fact} {' or '.join(values)}" for fact, values in wanted.items())
        if not any(kept):
            raise DatasetError(f"{self.dataset} has no sample of {words} together", "ask for fewer facts at once")
        note = f"only {words}: {sum(kept):,} of {len(kept):,} samples"
        samples = tuple(sample for sample, keep in zip(self.samples, kept, strict=True) if keep)
        return replace(self, samples=samples, notes=(*self.notes, note))

    def _no_such(self, kind: str, name: str, known: Collection[str]) -> DatasetError:
        near = get_close_matches(name, sorted(known), n=3) or sorted(known)[:6]
        hint = f"did you mean: {', '.join(near)}?" if near else "it states no facts"
        return DatasetError(f"{self.dataset} has no {kind} {name!r}", hint)

    def with_files(self) -> "Index":
        """Keep the samples whose image is on this disk; none left raises `DatasetError`."""
        kept = tuple(sample for sample in self.samples if sample.path)
        if not kept:
            raise DatasetError(
                f"{self.dataset}: the tables list {len(self):,} samples, and no image of them is here",
                "add the images to the folder, as their publisher lays them out",
            )
        return replace(self, samples=kept)

    def take(self, positions: NDArray[np.integer] | list[int]) -> "Index":
        """Keep the samples at these positions, in this order."""
        return replace(self, samples=tuple(self.samples[int(position)] for position in positions))

    def labels_as(self, positive: str) -> NDArray[np.int64]:
        """(N,) 1 where the label is `positive`, else 0."""
        return np.array([sample.label == positive for sample in self.samples], np.int64)

    def groups(self) -> NDArray[np.int64]:
        """(N,) number of each sample's group, 0 to the number of groups − 1."""
        names = np.array([sample.group for sample in self.samples], dtype=object)
        return np.unique(names, return_inverse=True)[1].astype(np.int64).reshape(-1)

    @property
    def has_patients(self) -> bool:
        """Whether the publisher says whose every image is; if not, groups are clusters of near-duplicates."""
        return bool(self.samples) and all(sample.patient_id for sample in self.samples)

    @property
    def units(self) -> int:
        """Number of groups: of patients, or of clusters of near-duplicates where the publisher gives no patients."""
        return len({sample.group for sample in self.samples})

    @cached_property
    def file_hashes(self) -> tuple[str, ...]:
        """SHA-256 of every sample's file, in hex; a file that cannot be read raises `DatasetError`.

        A sample without a file has the hash of what is known of it.
        """
        by_path = {sample.path: file_hash(self.root / sample.path) for sample in self.samples if sample.path}
        return tuple(by_path[sample.path] if sample.path else _known(sample) for sample in self.samples)

    def fingerprint(self) -> DatasetFingerprint:
        """Which data this is.

        The hash is SHA-256 over the sorted lines `<sha256 of the file> <label>`, so that it does not depend on names,
        folders or order, and does on every byte and every label. Title, licence and citation are those in `DATASETS`;
        for an index of another name they are not stated.
        """
        # Facts live with the adapters, and adapters build indexes.
        from senoscope.evidence.datasets import DATASETS

        facts = DATASETS.get(self.dataset) if self.dataset in DATASETS.names() else None
        lines = sorted(f"{digest} {s.label}\n" for digest, s in zip(self.file_hashes, self.samples, strict=True))
        return DatasetFingerprint(
            name=self.dataset,
            title=facts.title if facts else self.dataset,
            licence=facts.licence if facts else "not stated",
            citation=facts.citation if facts else "",
            images=len(self.samples),
            patients=self.units,
            sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        )


def joined(samples: Sequence[Sample], name: str, label: str) -> Sample:
    """One entry for several images: what they agree on is kept, the rest is left out, and so are files and boxes."""
    first = samples[0]
    facts = {fact: said for fact, said in first.facts.items() if all(one.facts.get(fact) == said for one in samples)}
    return replace(
        first,
        sample_id=name,
        path="",
        label=label,
        masks=(),
        boxes=(),
        laterality=first.laterality if len({one.laterality for one in samples}) == 1 else "",
        view=first.view if len({one.view for one in samples}) == 1 else "",
        facts=facts,
    )


def _known(sample: Sample) -> str:
    """Hash of a sample that has no file: its name and facts."""
    facts = json.dumps([sample.sample_id, sample.laterality, sample.view, sorted(sample.facts.items())])
    return hashlib.sha256(facts.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file of a dataset, in hex; one that cannot be read raises `DatasetError`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}", "make the index again") from error
