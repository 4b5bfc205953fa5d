from pathlib import Path

import pytest

from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.listing import LARGEST_NOTE, files_below, lines_of


def test_files_are_listed_in_order_whatever_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b/2.png", "b/1.PNG", "a ü/x.png", "a.png", "note.txt", ".hidden/3.png", ".4.png"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"")
    expected = ["a ü/x.png", "a.png", "b/1.PNG", "b/2.png"]

    assert files_below(tmp_path / "data", tmp_path / "data", (".png",)) == (expected, [])
    assert files_below(tmp_path / "data", tmp_path / "data" / "b", (".png",))[0] == expected[2:]
    monkeypatch.chdir(tmp_path / "data")
    assert files_below(Path(), Path(), (".png",))[0] == expected
    assert files_below(Path(), Path("b"), (".png",))[0] == expected[2:]


def test_links_and_names_that_no_table_can_hold_are_dropped(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    (root / "inside.png").write_bytes(b"")
    (root / "good.png").symlink_to("inside.png")
    (root / "bad.png").symlink_to(tmp_path / "secret.png")
    (root / "two\nlines.png").write_bytes(b"")
    (root / "elsewhere").symlink_to(tmp_path)

    found, dropped = files_below(root, root, (".png",))

    assert found == ["good.png", "inside.png"]
    assert [item.path for item in dropped] == ["bad.png", "two\\nlines.png"]


def test_a_note_is_bounded_and_need_not_be_ascii(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes("  müde \r\nzwei\n".encode("latin-1"))
    (tmp_path / "huge").write_bytes(b"x" * (LARGEST_NOTE + 1))

    assert lines_of(tmp_path / "note") == ["müde", "zwei"]
    with pytest.raises(DatasetError, match="more than 1 MiB"):
        lines_of(tmp_path / "huge")
    with pytest.raises(DatasetError, match="cannot be read"):
        lines_of(tmp_path / "absent")
