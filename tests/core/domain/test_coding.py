import numpy as np
import pytest
from pydantic import ValidationError

from senoscope.core.domain.coding import FactCoding, RecordCoding, fit_coding, number_of
from senoscope.core.errors import UsageError


def test_numbers_are_standardised_and_missing_ones_are_a_state() -> None:
    ages = [float(age) for age in range(40, 80)]
    records = [{"age": str(age)} for age in ages] + [{}, {"age": ""}]

    coding = fit_coding(["age"], records)

    found = coding.encode([*records[:40], {}, {"age": "unknown"}, {"age": "nan"}, {"age": "inf"}])
    expected = (np.array(ages) - np.mean(ages)) / np.std(ages)
    np.testing.assert_allclose(found[:40, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(found[40:], [[0, 1]] * 4)
    assert not found[:40, 1].any()
    assert coding.names == ("age", "age: missing")
    assert (coding.facts[0].low, coding.facts[0].high) == (40, 79)


def test_words_are_one_hot_sorted_with_another_and_missing() -> None:
    coding = fit_coding(["view"], [{"view": "MLO"}, {"view": "CC"}, {"view": "CC"}, {}])

    found = coding.encode([{"view": "CC"}, {"view": "MLO"}, {"view": "AT"}, {"view": " "}, {}])

    assert coding.names == ("view: CC", "view: MLO", "view: another", "view: missing")
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("birads", ["0", "1", "2"], "word"),
        ("codes", ["1", "2", "3", "4", "5"], "word"),
        ("age", ["41", "42", "43", "44", "45", "46"], "number"),
        ("share", ["0.5", "1"], "number"),
        ("machine", ["21", "29", "48", "49", "93", "170", "190"], "word"),
        ("density", ["A", "B", "1", "2", "3", "4", "5"], "word"),
        ("nothing", [], "word"),
        ("huge", ["1e308", "-1e308", "1e307", "2e307", "3e307", "4e307", "5e307"], "word"),
    ],
)
def test_what_is_a_number(name: str, values: list[str], kind: str) -> None:
    (fact,) = fit_coding([name], [{name: value} for value in values]).facts

    assert fact.kind == kind


def test_rare_words_have_no_column_of_their_own() -> None:
    records = [{"machine": "big"}] * 980 + [{"machine": "tenfold"}] * 10 + [{"machine": "ninefold"}] * 9 + [{}]

    assert fit_coding(["machine"], records).facts[0].words == ("big", "tenfold")
    # Two of a hundred are not rare, however few two are.
    few = [{"machine": "a"}] * 97 + [{"machine": "b"}] * 2 + [{"machine": "c"}]
    assert fit_coding(["machine"], few).facts[0].words == ("a", "b")


def test_words_are_bounded_in_number_and_length() -> None:
    records = [{"word": f"w{number:03d}"} for number in range(200) for _ in range(10 + (number > 150))]
    records += [{"word": "x" * 101}] * 50

    words = fit_coding(["word"], records).facts[0].words

    assert len(words) == 64
    assert words == tuple(sorted(words))
    assert {f"w{number:03d}" for number in range(151, 200)} < set(words)


def test_numbers_far_out_stay_finite() -> None:
    coding = RecordCoding(facts=(FactCoding(name="x", kind="number", center=-1e308, spread=1e-300),))

    found = coding.encode([{"x": "1e308"}, {"x": "-1e308"}])

    np.testing.assert_array_equal(found, [[1e6, 0], [0, 0]])


def test_no_facts_are_no_columns() -> None:
    assert fit_coding([], [{"age": "3"}] * 3).encode([{}, {}]).shape == (2, 0)
    assert RecordCoding().encode([]).shape == (0, 0)


def test_columns_follow_the_facts() -> None:
    coding = fit_coding(["view", "age"], [{"view": "CC", "age": str(age)} for age in range(20)])

    assert coding.width == len(coding.names) == 3 + 2
    np.testing.assert_allclose(coding.encode([{"age": "9.5", "view": "CC"}]), [[1, 0, 0, 0, 0]])


@pytest.mark.parametrize("text", ["", "1_000", "٣", "0x10", "1e9999", "1" * 101, "nan", "Infinity", " 1", "--1"])
def test_texts_that_are_no_number(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x", "kind": "number", "spread": 0},
        {"name": "x", "kind": "number", "spread": float("nan")},
        {"name": "x", "kind": "number", "words": ["a"]},
        {"name": "x", "kind": "word", "words": ["a", "a"]},
        {"name": "x", "kind": "word", "words": [""]},
        {"name": "x", "kind": "word", "words": ["a" * 101]},
        {"name": "x", "kind": "word", "words": [f"w{n}" for n in range(65)]},
        {"name": "no name", "kind": "word"},
        {"name": "x", "kind": "date"},
        {"name": "x", "kind": "word", "more": 1},
    ],
)
def test_hostile_codings_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FactCoding.model_validate(values)


def test_too_many_facts_and_repeated_ones() -> None:
    names = [f"fact_{number}" for number in range(41)]

    with pytest.raises(ValidationError):
        RecordCoding(facts=tuple(FactCoding(name=name, kind="word") for name in names))
    with pytest.raises(ValidationError, match="coded twice"):
        RecordCoding(facts=(FactCoding(name="x", kind="word"),) * 2)
    for wrong in (names, ["x", "x"]):
        with pytest.raises(UsageError, match="facts"):
            fit_coding(wrong, [])
