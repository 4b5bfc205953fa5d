"""What an audit found, as sentences in order of gravity: what it is, why it matters, what to do."""

from collections.abc import Iterator
from dataclasses import dataclass

from senoscope.evidence.audit.audit import Audit
from senoscope.evidence.audit.shortcuts import Light, Overlap, Shortcut

ORDER: tuple[Light, ...] = ("red", "amber", "grey", "green")

RARE = 0.05
"""Share of the samples below which a label is rare."""

MARKED = 0.05
"""Share of marked pictures from which on marks are worth a word."""

LARGE = 0.05
"""Share of the samples in one group from which on that group weighs a lot."""

MOST_NAMES = 5

SHORTCUT: dict[Light, str] = {
    "red": "The label can be told without looking at the breast",
    "amber": "Facts of acquisition tell a little about the label",
}


@dataclass(frozen=True)
class Finding:
    """One sentence each.

    Args:
        light: how grave it is.
        title: what it is about.
        said: what was found.
        why: why it matters.
        todo: what to do; "" where nothing needs doing.
    """

    light: Light
    title: str
    said: str
    why: str
    todo: str = ""


def findings(audit: Audit) -> tuple[Finding, ...]:
    """All findings, gravest first."""
    every = [*_leaks(audit), *_copies(audit), *_shortcuts(audit), *_files(audit), *_groups(audit), *_classes(audit)]
    return tuple(sorted(every, key=lambda finding: ORDER.index(finding.light)))


def _leaks(audit: Audit) -> Iterator[Finding]:
    leaks = audit.leaks
    if leaks is None:
        return
    if leaks.groups:
        names = _names([divided.group for divided in leaks.groups])
        yield Finding(
            "red",
            f"{audit.unit.capitalize()} on both sides of {leaks.file}",
            f"{len(leaks.groups):,} of {audit.units:,} {audit.unit} lie on more than one side: {names}.",
            "A model is tested on those it was trained on, and its figures are too good.",
            "Divide by patient: senoscope train does, and refuses a split that does not.",
        )
    if leaks.repeated:
        yield Finding(
            "red",
            f"Samples listed on two sides of {leaks.file}",
            f"{len(leaks.repeated):,} samples are on more than one side themselves: {_names(leaks.repeated)}.",
            "The same picture is trained on and tested on.",
            "List every sample once.",
        )
    divided = [copy for copy in audit.copies.named if copy.divided]
    if divided:
        yield Finding(
            "red",
            f"Copies on both sides of {leaks.file}",
            f"{audit.copies.sides:,} pairs of copies are divided: "
            f"{_names([f'{copy.first} and {copy.second}' for copy in divided])}.",
            "The model has seen the picture it is tested on, under another name.",
            "Keep copies in one group, and divide by group.",
        )
    if not (leaks.groups or leaks.repeated or divided):
        yield Finding("green", f"No leak in {leaks.file}", "No patient, group or copy is on two sides.", "")
    if leaks.absent or leaks.unknown:
        yield Finding(
            "amber",
            f"{leaks.file} and the folder differ",
            f"It does not list {leaks.absent:,} samples that are here, and lists {leaks.unknown:,} that are not.",
            "Figures of this split are of another set of pictures than this one.",
            "Check that split and folder belong together.",
        )


def _copies(audit: Audit) -> Iterator[Finding]:
    found = audit.copies
    if found.labels:
        names = [
            f"{one.first} and {one.second}" for one in found.named if one.confirmed and one.labels[0] != one.labels[1]
        ]
        yield Finding(
            "red",
            "The same picture under different labels",
            f"{found.labels:,} pairs of copies have different labels: {_names(names)}.",
            "One of the two labels is wrong, and nobody can tell which.",
            "Leave both out.",
        )
    if found.groups:
        names = [f"{one.first} and {one.second}" for one in found.named if one.confirmed and not one.same_group]
        yield Finding(
            "red",
            "The same picture in different groups",
            f"{found.groups:,} pairs of copies belong to different {audit.unit}: {_names(names)}.",
            "Dividing by patient puts one of them into training and the other into the test.",
            "Ask the publisher whether they are one woman, and join them until then.",
        )
    if found.outline:
        yield Finding(
            "amber",
            "Pictures alike in outline",
            f"{found.outline:,} pairs under different labels or in different groups are near-duplicates by their hash, "
            "and not in detail.",
            "Where much of a picture is black, different breasts have the same hash; a few may be copies all the same.",
            "Look at the nearest pairs.",
        )
    elif found.near and not (found.labels or found.groups):
        yield Finding(
            "green",
            "Copies, kept together",
            f"{found.near:,} pairs of near-duplicates, each within one of the {audit.unit}.",
            "Divided picture by picture they would leak; divided by group they do not.",
        )
    elif not found.near and audit.read:
        yield Finding("green", "No copies", f"No two of {audit.read:,} pictures are near-duplicates.", "")


def _shortcuts(audit: Audit) -> Iterator[Finding]:
    tested = audit.shortcuts
    about = f"{tested.images:,} images of {tested.groups:,} {audit.unit}"
    if tested.missing:
        said = f"Not tested: {tested.missing}."
        yield Finding("grey", "Shortcuts", said, "Whether facts of acquisition tell the label is open.")
        return
    for light in SHORTCUT:
        rows = [row for row in tested.rows if row.light == light]
        if rows:
            yield Finding(
                light,
                SHORTCUT[light],
                f"{tested.question}: {'; '.join(_row(row) for row in rows[:MOST_NAMES])} ({about})."
                f"{_overlap(tested.overlap)}",
                _shortcut_reason(rows),
                "Match or drop what separates the classes, report a part in which it does not, test at another place.",
            )
    if all(row.light == "grey" for row in tested.rows):
        yield Finding(
            "grey",
            "Shortcuts, too few to judge",
            f"{about}: strongest is {_row(tested.facts[0])}.",
            "With fewer than ten patients of a class an interval says too little.",
        )
    elif all(row.light == "green" for row in tested.rows):
        said = f"None of {len(tested.facts)} facts tells {tested.question}, nor do all together ({about})."
        yield Finding("green", "No shortcut found", said, "There may be others that were not looked for.")


def _row(row: Shortcut) -> str:
    return f"{row.title} {row.auc}"


def _overlap(overlap: Overlap | None) -> str:
    if overlap is None:
        return ""
    return f" Both classes share {', '.join(overlap.values)} of {overlap.fact} only: {overlap.images:,} images."


def _shortcut_reason(rows: list[Shortcut]) -> str:
    said = "A model may learn these instead of the disease, and fail elsewhere."
    if all(row.kind in ("levels", "all") for row in rows):
        said += " Levels may also carry the disease itself: this asks a question and answers none."
    return said


def _files(audit: Audit) -> Iterator[Finding]:
    if audit.unreadable:
        few = len(audit.unreadable) <= audit.read
        yield Finding(
            "amber" if few else "grey",
            "Unreadable pictures",
            f"{len(audit.unreadable):,} of {len(audit.unreadable) + audit.read:,} cannot be read: "
            f"{_names([item.path for item in audit.unreadable])}.",
            "What is left out is seldom left out at random, and nothing here is known of them.",
            "Fetch them again; what is damaged at the publisher's stays out and is counted.",
        )
    if audit.listed:
        said = f"{audit.listed:,} of {sum(audit.labels.values()):,} samples are listed in tables and not on this disk."
        yield Finding("grey", "Pictures not here", said, "Copies, marks and most shortcuts cannot be seen in tables.")
    judged, marked = (sum(getattr(share, name) for share in audit.marks.values()) for name in ("judged", "marked"))
    if judged and marked / judged >= MARKED:
        shares = ", ".join(f"{label} {one.marked / one.judged:.0%}" for label, one in audit.marks.items())
        yield Finding(
            "amber",
            "Burned-in text and callipers",
            f"{marked:,} of {judged:,} pictures ({marked / judged:.0%}) seem to carry marks: {shares}.",
            "Somebody measured there because something was there: a model can read the marks.",
            "Crop or paint over what lies outside the tissue; report figures without marked pictures too.",
        )


def _groups(audit: Audit) -> Iterator[Finding]:
    total = sum(audit.labels.values())
    if audit.unit != "patients":
        yield Finding(
            "amber",
            "No patients known",
            f"The publisher does not say whose picture is whose; groups are {audit.units:,} clusters of copies.",
            "Pictures of one woman that do not look alike may be on both sides of any split.",
            "Take figures as too good, and test on a set with patients.",
        )
    if audit.mixed_groups:
        yield Finding(
            "amber",
            "Several labels in one group",
            f"{len(audit.mixed_groups):,} of {audit.units:,} {audit.unit} hold several labels: "
            f"{_names(audit.mixed_groups)}.",
            "That is right where the label is the picture's, and a contradiction where it is the woman's.",
            "Check a few.",
        )
    largest = max(audit.group_sizes)
    if audit.units > 1 and largest / total >= LARGE:
        yield Finding(
            "amber",
            "A group weighs a lot",
            f"One of the {audit.unit} has {largest:,} of {total:,} images ({largest / total:.0%}).",
            "A figure per image is largely about that one.",
            "Report figures by patient too.",
        )


def _classes(audit: Audit) -> Iterator[Finding]:
    total = sum(audit.labels.values())
    rarest = min(audit.labels, key=lambda label: audit.labels[label])
    said = ", ".join(f"{label} {count:,}" for label, count in audit.labels.items())
    if len(audit.labels) > 1 and audit.labels[rarest] / total < RARE:
        yield Finding(
            "amber",
            "A rare label",
            f"{rarest} is {audit.labels[rarest] / total:.1%} of the samples ({said}).",
            "Accuracy says nothing, and intervals of sensitivity are wide.",
            "Report ROC and precision–recall curves with intervals.",
        )


def _names(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
