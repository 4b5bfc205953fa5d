"""The seal of a manifest."""

import json

import pytest

from senoscope.runtime.seal import is_intact, sealed

TEXT = json.dumps({"a": 1.25, "b": ["ü", None]}, indent=1, ensure_ascii=False)


def test_sealed_text_is_the_same_object_and_one_key() -> None:
    values = json.loads(sealed(TEXT))

    assert len(values.pop("seal")) == 64
    assert values == json.loads(TEXT)
    assert is_intact(sealed(TEXT).encode())


@pytest.mark.parametrize("bit", [0x01, 0x10, 0x80])
def test_no_byte_can_be_flipped(bit: int) -> None:
    content = sealed(TEXT).encode()
    for position in range(len(content)):
        flipped = content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :]
        assert not is_intact(flipped), position


def test_text_without_a_seal_is_not_intact() -> None:
    assert not is_intact(TEXT.encode())
    assert not is_intact(b"")
