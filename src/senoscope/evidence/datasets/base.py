"""What every dataset adapter is: facts about a public set, and a way from its folder to an index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.errors import DatasetError
from senoscope.core.tasks.base import Modality
from senoscope.evidence.index import Index


@dataclass(frozen=True)
class Dataset:
    """One public dataset, as its publisher describes it.

    Args:
        name: how the command line calls it.
        title: its full name.
        tasks: names of the tasks its labels answer; labels beyond a task's are left out by `Index.with_labels`.
        modality: how the images were made.
        licence: terms, in the publisher's words or SPDX's.
        url: where the publisher gives it away.
        citation: paper to cite.
        published: images of each label in the whole set.
        patients: women in the whole set, None where the publisher does not say.
        layout: files that `read` looks for, in one line, for messages.
        read: builds the index of a folder in that layout; raises `DatasetError` where it is another.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    modality: Modality
    licence: str
    url: str
    citation: str
    published: Mapping[str, int]
    patients: int | None
    layout: str
    read: Callable[["Dataset", Path], Index]

    def index(self, root: Path) -> Index:
        """List the samples under a folder.

        A part of the set is fine: the index notes how much of it is here.

        Raises:
            DatasetError: the folder does not hold this set; says what was looked for and what was found.
        """
        if not root.is_dir():
            raise DatasetError(f"{root} is not a folder", f"{self.name} needs {self.layout}")
        index = self.read(self, root)
        if not index.samples:
            raise self.wrong_folder(root, root)
        return index

    def share_note(self, found: int) -> str:
        """Say how much of the published set was found: "623 of 780 images of BUSI"."""
        return f"{found:,} of {sum(self.published.values()):,} images of {self.title}"

    def wrong_folder(self, root: Path, looked_in: Path) -> DatasetError:
        """Error that says what was looked for and what was found."""
        names = sorted(entry.name for entry in looked_in.iterdir()) if looked_in.is_dir() else []
        found = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        return DatasetError(
            f"{root} does not hold {self.name}: looked for {self.layout}", f"found {found or 'nothing'}"
        )
