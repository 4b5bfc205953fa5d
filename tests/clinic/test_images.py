import hashlib
from pathlib import Path

import pytest

from senoscope.clinic.images import NAME_LENGTH, ImageStore, clean_name
from senoscope.core.errors import NotFoundError, ServiceError


def stored_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_the_same_bytes_are_stored_once(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    digests = []
    for parts in ((b"ab", b"c"), (b"a", b"bc")):
        incoming = store.receive()
        for part in parts:
            incoming.write(part)
        digests.append(incoming.keep())
    assert digests == [hashlib.sha256(b"abc").hexdigest()] * 2
    assert len(stored_files(tmp_path)) == 1
    assert store.read(digests[0]) == b"abc"


def test_nothing_is_left_of_what_is_discarded_or_interrupted(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    discarded, interrupted = store.receive(), store.receive()
    discarded.write(b"x")
    discarded.discard()
    interrupted.write(b"half of a pic")
    interrupted._file.close()
    assert len(stored_files(tmp_path)) == 1
    ImageStore(tmp_path)
    assert stored_files(tmp_path) == []


def test_changed_and_missing_bytes_are_noticed(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    incoming = store.receive()
    incoming.write(b"true")
    digest = incoming.keep()
    store.path(digest).write_bytes(b"false")
    with pytest.raises(ServiceError, match="changed"):
        store.read(digest)
    with pytest.raises(NotFoundError):
        store.read("0" * 64)
    again = store.receive()
    again.write(b"true")
    again.keep()
    assert store.read(digest) == b"true"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("scan.png", "scan.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\Brust links.png", "Brust links.png"),
        ("Mu\u0308ller, li. Brust (3 Uhr).tif", "Müller, li. Brust (3 Uhr).tif"),
        ("a\x00b\nc\u202egnp.exe", "a b c gnp.exe"),
        ('<img src=x onerror="y">.png', "_img src=x onerror=_y__.png"),
        ("...", "image"),
        ("", "image"),
    ],
)
def test_names_are_cleaned(given: str, expected: str) -> None:
    assert clean_name(given) == expected


def test_long_names_keep_their_suffix() -> None:
    name = clean_name("x" * 500 + ".png")
    assert len(name) == NAME_LENGTH
    assert name.endswith("x.png")
    assert len(clean_name("." + "y" * 500)) <= NAME_LENGTH
    assert len(clean_name("z" * 500)) == NAME_LENGTH
