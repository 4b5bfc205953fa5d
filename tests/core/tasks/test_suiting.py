"""What a header says decides whether a task may be asked."""

from dataclasses import replace

import pytest

from senoscope.core.errors import UnsupportedImageError
from senoscope.core.io.dicom.facts import Facts
from senoscope.core.io.dicom.facts.ultrasound import Mode
from senoscope.core.tasks import TASKS
from senoscope.core.tasks.suiting import UNSAID, WORDS, check_suits, modality_of

ULTRASOUND, MAMMOGRAPHY = TASKS.get("ultrasound"), TASKS.get("mammography")
SCAN, FILM = Facts(modality="US", body_part="BREAST"), Facts(modality="MG", body_part="BREAST")


def test_every_modality_of_a_task_has_a_word_of_dicoms() -> None:
    for task in (TASKS.get(name) for name in TASKS.names()):
        for word in WORDS[task.modality]:
            check_suits(task, Facts(modality=word))
            assert modality_of(Facts(modality=word.lower())) == task.modality


@pytest.mark.parametrize("word", ["CT", "MG", "MR", "XA"])
def test_another_modality_is_refused(word: str) -> None:
    with pytest.raises(UnsupportedImageError, match=f"this is {word}, and ultrasound is asked about ultrasound"):
        check_suits(ULTRASOUND, Facts(modality=word))


@pytest.mark.parametrize("word", UNSAID)
def test_what_is_not_said_is_not_held_against_a_picture(word: str) -> None:
    check_suits(ULTRASOUND, Facts(modality=word))
    assert modality_of(Facts(modality=word)) is None


@pytest.mark.parametrize("part", ["", "BREAST", "Left breast", "AXILLA"])
def test_the_breast_and_what_belongs_to_it_is_taken(part: str) -> None:
    check_suits(ULTRASOUND, replace(SCAN, body_part=part))


def test_another_part_of_the_body_is_refused() -> None:
    with pytest.raises(UnsupportedImageError, match="the header says LIVER, not breast"):
        check_suits(ULTRASOUND, replace(SCAN, body_part="LIVER"))


@pytest.mark.parametrize(
    ("modes", "words"),
    [
        ({"b-mode", "doppler"}, "this is Doppler ultrasound"),
        ({"doppler"}, "this is Doppler ultrasound"),
        ({"b-mode", "elastography"}, "this is elastography ultrasound"),
        ({"m-mode"}, "this is M-mode ultrasound"),
    ],
)
def test_ultrasound_that_is_not_plain_is_refused(modes: set[Mode], words: str) -> None:
    with pytest.raises(UnsupportedImageError, match=words) as caught:
        check_suits(ULTRASOUND, replace(SCAN, modes=frozenset(modes)))
    assert "B-mode" in caught.value.hint


@pytest.mark.parametrize("modes", [set(), {"b-mode"}, {"b-mode", "m-mode"}])
def test_plain_ultrasound_is_taken(modes: set[Mode]) -> None:
    check_suits(ULTRASOUND, replace(SCAN, modes=frozenset(modes)))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(FILM, intent="processing"), "the detector's raw numbers"),
        (replace(FILM, making="tomosynthesis"), "a stack of slices"),
        (replace(FILM, making="projection"), "one of the projections"),
    ],
)
def test_mammograms_that_nobody_reads_as_they_are_are_refused(facts: Facts, words: str) -> None:
    with pytest.raises(UnsupportedImageError, match=words):
        check_suits(MAMMOGRAPHY, facts)


@pytest.mark.parametrize("facts", [replace(FILM, intent="presentation"), replace(FILM, making="synthetic"), FILM])
def test_mammograms_for_reading_are_taken(facts: Facts) -> None:
    check_suits(MAMMOGRAPHY, facts)
