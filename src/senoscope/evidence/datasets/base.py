"""What every dataset adapter is: facts about a public set, and a way from its folder to an index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks.base import Modality, Task
from senoscope.evidence.index import Index, Sample

PATHOLOGY = "pathology"
"""Fact that holds the publisher's class where the task's labels say only whether there is a lesion."""


@dataclass(frozen=True)
class Labelling:
    """How the samples of a dataset answer a task.

    Args:
        fact: name of the fact that holds the answer; "" where it is the sample's label.
        words: publisher's word to the task's label; a word that is not listed is no answer, and its samples are left
            out. Empty where the words are the task's own.
        codes: number in a mask to the task's label, where every pixel has one; pixels of a number that is not listed
            have none, teach nothing and count for nothing.
    """

    fact: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)


def _said(task: Task, sample: Sample) -> dict[str, str]:
    """Facts of a sample; where the task asks for no class, the publisher's own is one of them."""
    return sample.facts if task.kind == "classify" else {**sample.facts, PATHOLOGY: sample.label}


@dataclass(frozen=True)
class Check:
    """A number found here beside the published one, None where the publisher states none."""

    what: str
    here: int
    published: int | None

    @property
    def plausible(self) -> bool:
        """A part of the set is fine; more than the whole set is not that set."""
        return self.published is None or self.here <= self.published

    def __str__(self) -> str:
        return f"{self.what}: {self.here:,}" + ("" if self.published is None else f" of {self.published:,}")


@dataclass(frozen=True)
class Dataset:
    """One public dataset, as its publisher describes it.

    Args:
        name: how the command line calls it.
        title: its full name.
        tasks: names of the tasks its samples answer, and how.
        modality: how the images were made.
        licence: terms, in the publisher's words or SPDX's.
        url: where the publisher gives it away.
        citation: paper to cite.
        published: samples (or patients, as `counted` says) of each label in the whole set, None where the publisher
            does not say; its keys are all the labels there are.
        patients: women in the whole set, None where the publisher does not say.
        layout: files that `read` looks for, in one line, for messages.
        read: builds the index of a folder in that layout; raises `DatasetError` where it is another.
        counted: what `published` counts: "images", "patches", "lesions", "patients", ….
        same_women: names of sets that hold some of the same women, so that neither is external to the other.
        label_of: what the label describes; where it is the patient or the breast, one with two labels is an error.
        outcome: facts known only once the images were read or the tissue was; they make subgroups, never inputs.
    """

    name: str
    title: str
    tasks: Mapping[str, Labelling]
    modality: Modality
    licence: str
    url: str
    citation: str
    published: Mapping[str, int | None]
    patients: int | None
    layout: str
    read: Callable[["Dataset", Path], Index]
    counted: str = "images"
    same_women: tuple[str, ...] = ()
    label_of: str = "image"
    outcome: tuple[str, ...] = ()

    def index(self, root: Path) -> Index:
        """List the samples under a folder.

        A part of the set is fine: the index notes how much of it is here.

        Raises:
            DatasetError: the folder does not hold this set; says what was looked for and what was found. Or a label is
                unknown, or the label is the patient's or the breast's and one has two.
        """
        if not root.is_dir():
            raise DatasetError(f"{root} is not a folder", f"{self.name} needs {self.layout}")
        index = self.read(self, root)
        if not index.samples:
            raise self.wrong_folder(root, root)
        self._check_labels(index)
        return index

    def samples_for(self, task: Task, root: Path) -> Index:
        """List the samples under a folder that answer a task, labelled in its words; see `answering`."""
        return self.answering(task, self.index(root))

    def answering(self, task: Task, index: Index) -> Index:
        """Keep the samples that answer a task, labelled in its words.

        Raises:
            UsageError: the dataset does not answer the task.
            DatasetError: no sample does.
        """
        labelling = self.tasks.get(task.name)
        if labelling is None:
            raise UsageError(
                f"{self.name} does not answer the task {task.name!r}", f"it answers: {', '.join(self.tasks) or 'none'}"
            )
        if labelling.fact or labelling.words:
            said = [
                sample.facts.get(labelling.fact, "") if labelling.fact else sample.label for sample in index.samples
            ]
            words = [labelling.words.get(word, "") if labelling.words else word for word in said]
            lost = sum(not word for word in words)
            samples = tuple(
                replace(sample, label=word, facts=_said(task, sample))
                for sample, word in zip(index.samples, words, strict=True)
                if word
            )
            note = (f"left out, as they do not answer the task {task.name}: {lost:,} samples",) if lost else ()
            index = replace(index, samples=samples, notes=index.notes + note)
        return index if task.by_pixel else index.with_labels(task.labels)

    def known_after(self, task: str) -> frozenset[str]:
        """Facts that nothing which answers a task may go by: what is known only after reading, and its own answer."""
        labelling = self.tasks.get(task, Labelling())
        return frozenset(filter(None, (*self.outcome, labelling.fact, PATHOLOGY)))

    def validate(self, index: Index) -> tuple[Check, ...]:
        """Lay the numbers found beside the published ones: the total, each label, the patients."""
        by_label = {label: self._count(index, label) for label in self.published}
        checks = [Check(self.counted, sum(by_label.values()), self.total)]
        checks += [Check(f"{self.counted}, {label}", by_label[label], count) for label, count in self.published.items()]
        if index.has_patients and self.counted != "patients":
            checks.append(Check("patients", index.units, self.patients))
        return tuple(checks)

    @property
    def total(self) -> int | None:
        """Size of the whole set, in what `counted` says; None where the publisher does not say."""
        known = [count for count in self.published.values() if count is not None]
        return sum(known) if len(known) == len(self.published) else None

    def share_note(self, found: int) -> str:
        """Say how much of the published set was found: "623 of 780 images of BUSI"."""
        share = f"{found:,}" if self.total is None else f"{found:,} of {self.total:,}"
        return f"{share} {self.counted} of {self.title}"

    def wrong_folder(self, root: Path, looked_in: Path) -> DatasetError:
        """Error that says what was looked for and what was found."""
        names = sorted(entry.name for entry in looked_in.iterdir()) if looked_in.is_dir() else []
        found = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        return DatasetError(
            f"{root} does not hold {self.name}: looked for {self.layout}", f"found {found or 'nothing'}"
        )

    def _count(self, index: Index, label: str) -> int:
        chosen = [sample for sample in index.samples if sample.label == label]
        return len({sample.patient_id for sample in chosen}) if self.counted == "patients" else len(chosen)

    def _check_labels(self, index: Index) -> None:
        first: dict[tuple[str, str], tuple[str, str]] = {}
        for sample in index.samples:
            if sample.label not in self.published:
                raise DatasetError(
                    f"{self.name}: sample {sample.sample_id!r} has the unknown label {sample.label!r}",
                    f"labels are: {', '.join(self.published)}",
                )
            whose = self._labelled(sample)
            label, earlier = first.setdefault(whose, (sample.label, sample.sample_id))
            if all(whose) and label != sample.label:
                raise DatasetError(
                    f"{self.name}: {whose[0]} {whose[1]!r} is {label} in {earlier!r} and {sample.label} in "
                    f"{sample.sample_id!r}",
                    f"a {whose[0]} has one label; mend the table or leave the {whose[0]} out",
                )

    def _labelled(self, sample: Sample) -> tuple[str, str]:
        """Kind and name of what has one label by definition; "" where a sample stands for itself."""
        match self.label_of:
            case "patient":
                return "patient", sample.patient_id
            case "breast" if sample.laterality:
                return "breast", f"{sample.group} {sample.laterality}"
        return "", ""
