from pathlib import Path

from senoscope.evidence.datasets.folders import inside, levels, nearest


def test_the_nearest_file_is_found_and_links_hidden_and_lock_files_are_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("b/t.csv", "a/deep/t.csv", ".hidden/t.csv", "~t.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (tmp_path / "elsewhere.csv").write_text("x")
    (root / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (root / "a" / "loop").symlink_to(root)

    assert nearest(root, ("t.csv",)) == root / "b" / "t.csv"
    assert nearest(root, ("*.csv",)) == root / "b" / "t.csv"
    assert nearest(root / "a", ("t.csv",)) == root / "a" / "deep" / "t.csv"
    assert nearest(root, ("t.csv",), depth=0) is None
    assert list(levels(root, 2)) == [root, root / "a", root / "b", root / "a" / "deep"]


def test_names_that_no_table_can_hold_are_not_inside(tmp_path: Path) -> None:
    (tmp_path / "a\nb.csv").write_text("x")

    assert not inside(tmp_path, tmp_path / "a\nb.csv")
    assert inside(tmp_path, tmp_path / "größe 1.csv")
