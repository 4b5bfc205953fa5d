from dataclasses import replace
from pathlib import Path

import pytest

from senoscope.core.domain.bundle import ExamSpec
from senoscope.core.domain.coding import RecordCoding
from senoscope.core.domain.exam import View
from senoscope.core.errors import DatasetError
from senoscope.evidence.index import Index, Sample
from senoscope.evidence.index.exams import exam_of, exams, exams_for, record_of
from senoscope.evidence.metrics.aggregation import Level


def sample(name: str, patient: str, side: str, view: str, label: str = "no_cancer", **facts: str) -> Sample:
    return Sample(name, patient, patient, f"{name}.png", label, laterality=side, view=view, facts=facts)


def index(*samples: Sample) -> Index:
    return Index("rsna", Path("root"), samples, notes=("as published",))


WOMEN = index(
    sample("d", "p1", "R", "MLO", age="50", machine="29"),
    sample("a", "p1", "L", "MLO", "cancer", age="50", machine="48"),
    sample("b", "p2", "L", "CC", machine="29"),
    sample("c", "p1", "L", "CC", "cancer", age="50", machine="29"),
)


def test_a_breast_is_an_exam_whatever_views_it_has() -> None:
    found = exams(WOMEN, "breast", 8)

    assert [one.sample_id for one in found.index.samples] == ["p1 R", "p1 L", "p2 L"]
    assert [[WOMEN.samples[n].sample_id for n in member] for member in found.members] == [["d"], ["c", "a"], ["b"]]
    assert [one.label for one in found.index.samples] == ["no_cancer", "cancer", "no_cancer"]
    assert [one.path for one in found.index.samples] == ["d.png", "c.png", "b.png"]
    assert [one.facts for one in found.index.samples][1] == {"age": "50"}
    assert [(one.laterality, one.view) for one in found.index.samples] == [("R", "MLO"), ("L", ""), ("L", "CC")]
    assert found.index.notes == ("as published", "3 exams of 4 images, one a breast")
    assert len(found) == 3


def test_a_woman_with_two_labels_has_the_gravest_and_that_is_said() -> None:
    found = exams(WOMEN, "patient", 8)

    assert {one.sample_id: one.label for one in found.index.samples} == {"p1": "cancer", "p2": "no_cancer"}
    assert "exams whose images have different labels, and which have the gravest: 1" in found.index.notes
    assert [WOMEN.samples[n].sample_id for n in found.members[0]] == ["c", "a", "d"]


def test_steps_of_a_scale_have_an_order() -> None:
    found = exams(index(sample("a", "p", "L", "CC", "fatty"), sample("b", "p", "R", "CC", "glandular")), "patient", 8)

    assert found.index.samples[0].label == "glandular"


def test_labels_that_no_task_ranks() -> None:
    with pytest.raises(DatasetError, match="'p' is malignant and normal, which no task puts in order"):
        exams(index(sample("a", "p", "L", "CC", "malignant"), sample("b", "p", "R", "CC", "normal")), "patient", 8)


def test_slices_are_in_order_of_number_and_thinned_evenly() -> None:
    slices = [sample(f"s{number}", "p", "", "", slice=str(number)) for number in range(12)]

    found = exams(index(*reversed(slices)), "patient", 4)

    taken = [found.images.samples[n].facts["slice"] for n in found.members[0]]
    assert taken == ["1", "4", "7", "10"]
    assert found.index.samples[0].path == "s1.png"
    assert "exams of more than 4 images, of which 4 evenly spaced ones are taken: 1" in found.index.notes


def test_what_is_taken_of_a_thinned_exam_makes_the_same_exam_again() -> None:
    healthy = [sample(f"l{number}", "p", "L", "") for number in range(5)]
    found = exams(index(*healthy, sample("r", "p", "R", "", "cancer")), "patient", 1)

    again = exams(found.take([0]), "patient", 1)

    assert len(found.read([0])) == 1
    assert [one.label for one in again.index.samples] == [one.label for one in found.index.samples] == ["cancer"]
    assert again.index.samples == found.index.samples
    assert found.index.notes[-1] in again.index.notes


def test_order_does_not_depend_on_the_index() -> None:
    turned = WOMEN.take([3, 2, 1, 0])

    straight, other = exams(WOMEN, "patient", 2), exams(turned, "patient", 2)

    for name in ("p1", "p2"):
        found = [
            [data.images.samples[n].sample_id for n in member]
            for data in (straight, other)
            for one, member in zip(data.index.samples, data.members, strict=True)
            if one.sample_id == name
        ]
        assert found[0] == found[1]


def test_single_images_stay_as_they_are() -> None:
    found = exams(WOMEN, "image", 8)

    assert found.index is WOMEN
    assert [member.tolist() for member in found.members] == [[0], [1], [2], [3]]


@pytest.mark.parametrize("by", ["breast", "patient"])
def test_without_patients_there_are_no_exams(by: Level) -> None:
    unknown = replace(WOMEN, samples=tuple(replace(one, patient_id="") for one in WOMEN.samples))

    with pytest.raises(DatasetError, match="does not say whose image is whose") as caught:
        exams(unknown, by, 8)

    assert "exam.by = 'image'" in caught.value.hint
    assert len(exams(unknown, "image", 8)) == 4


def test_without_sides_there_are_no_breasts() -> None:
    sideless = index(sample("a", "p1", "", "CC"))

    with pytest.raises(DatasetError, match="which breast image 'a' shows"):
        exams(sideless, "breast", 8)
    assert len(exams(sideless, "patient", 8)) == 1


def test_a_model_is_given_paths_and_records() -> None:
    spec = ExamSpec(by="breast", most=8, coding=RecordCoding())
    found = exams_for(WOMEN, spec)

    exam = exam_of(found, 1)

    assert exam.name == "p1 L"
    assert exam.views == (
        View(Path("root/c.png"), {"age": "50", "machine": "29", "laterality": "L", "view": "CC"}),
        View(Path("root/a.png"), {"age": "50", "machine": "48", "laterality": "L", "view": "MLO"}),
    )


def test_a_record_without_a_picture() -> None:
    known = index(replace(sample("a", "p", "", "", age="50"), path=""))

    exam = exam_of(exams(known, "patient", 8), 0)

    assert exam.views == (View(None, {"age": "50"}),)
    assert record_of(known.samples[0]) == {"age": "50"}
