import re

from senoscope.evidence.report.checklists import CLAIM, NOT_PROVIDED, TRIPOD, fill


def test_claim_has_its_44_items_in_order() -> None:
    assert [number for number, *_ in CLAIM] == [str(number) for number in range(1, 45)]


def test_tripod_has_its_27_items_with_their_parts() -> None:
    numbers = [number for number, *_ in TRIPOD]

    assert len(numbers) == len(set(numbers)) == 52
    whole = [int(re.match(r"\d+", number)[0]) for number in numbers]  # type: ignore[index] # every number begins so
    assert whole == sorted(whole)
    assert set(whole) == set(range(1, 28))
    parts = {item: "".join(re.findall(rf"^{item}([a-g])$", "\n".join(numbers), re.MULTILINE)) for item in set(whole)}
    assert {item: part for item, part in parts.items() if part} == {
        3: "abc",
        5: "ab",
        6: "abc",
        8: "abc",
        9: "abc",
        12: "abcdefg",
        18: "abcdef",
        20: "abc",
        23: "ab",
        27: "abc",
    }


def test_what_is_not_known_is_not_claimed() -> None:
    claim, tripod = fill({})

    assert claim.provided == tripod.provided == 0
    assert {item.shown for item in (*claim.items, *tripod.items)} == {NOT_PROVIDED}


def test_what_is_known_answers_every_item_that_asks_for_it() -> None:
    claim, tripod = fill({"use": "researchers", "limits": "<few>"})

    assert {item.number: item.answer for item in claim.items if item.answer} == {"3": "researchers", "40": "<few>"}
    assert {item.number: item.answer for item in tripod.items if item.answer} == {"3b": "researchers", "26": "<few>"}
    assert "10.1148/ryai.240300" in claim.source
    assert "10.1136/bmj-2023-078378" in tripod.source
