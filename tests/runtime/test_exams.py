"""Exams in, predictions out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.bundle import BundleManifest, ExamSpec
from senoscope.core.domain.coding import RecordCoding, fit_coding
from senoscope.core.domain.exam import Exam, View
from senoscope.core.domain.image import Image
from senoscope.core.domain.prediction import ExamPrediction, Prediction
from senoscope.core.errors import BundleError, MissingFileError, UsageError
from senoscope.runtime.predictor import Failure, Model
from senoscope.runtime.session import ExamSession, Session
from senoscope.runtime.store import load, verify
from tests.makers import AGES, tiny_exam_bundle, tiny_exam_network, tiny_network, ultrasound
from tests.runtime.conftest import spoil, with_network

KNOWN = {"age": "50", "machine": "29"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny_exam_bundle(tmp_path_factory.mktemp("exams")), threads=1)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny_exam_bundle(tmp_path_factory.mktemp("blind"), sees=False, by="image"), threads=1)


def picture(seed: int) -> Image:
    return Image(ultrasound(seed, (160, 130)), 255.0, f"picture {seed}")


def exam(*seeds: int, name: str = "woman 1", **facts: str) -> Exam:
    return Exam(name, tuple(View(picture(seed), facts or KNOWN) for seed in seeds))


def test_an_exam_is_answered_from_all_its_images_and_its_record(model: Model) -> None:
    assert isinstance(model._session, ExamSession)
    asked = exam(1, 2, 3)

    answer = model.predict(asked)

    arrays = np.stack([model.manifest.pipeline.apply(picture(seed)).array for seed in (1, 2, 3)])
    codes = fit_coding(("age", "machine"), AGES).encode([KNOWN] * 3)
    said = model._session.run(arrays, codes)
    assert answer.probability == pytest.approx(1 / (1 + np.exp(-(1.5 * float(said.logits[0, 0]) - 0.5))), abs=1e-6)
    assert (answer.name, answer.task, answer.bundle) == ("woman 1", "screening", "tiny_exam")
    assert [view.source for view in answer.views] == ["picture 1", "picture 2", "picture 3"]
    assert [view.share for view in answer.views] == pytest.approx(said.attention.tolist())
    assert sum(view.share for view in answer.views) == pytest.approx(1)
    for view, heat in zip(answer.views, said.saliency, strict=True):
        np.testing.assert_array_equal(view.heat, heat)
        assert view.saliency.shape == (view.size.height, view.size.width) == (130, 160)
    assert answer.missing == ()
    assert not answer.abstained


def test_each_image_and_each_fact_counts(model: Model) -> None:
    whole = model.predict(exam(1, 2)).probability

    others = [exam(1), exam(1, 3), exam(1, 2, age="60", machine="29"), exam(1, 2, age="50", machine="48")]

    assert len({whole, *(answer.probability for answer in model.predict(others))}) == 5


def test_many_exams_in_order_with_failures_in_their_place(model: Model, tmp_path: Path) -> None:
    for number in range(12):
        Pil.fromarray(ultrasound(number, (160, 130))).save(tmp_path / f"{number}.png")
    (tmp_path / "5.png").write_bytes(b"<html>gone</html>")
    asked = [
        Exam(f"e{first}", tuple(View(tmp_path / f"{number}.png", KNOWN) for number in range(first, first + 3)))
        for first in range(0, 12, 3)
    ]

    answers = list(model.stream_exams(asked, workers=3))

    assert [answer.source for answer in answers] == ["e0", "e3", "e6", "e9"]
    failed = answers[1]
    assert isinstance(failed, Failure)
    assert "5.png" in failed.error.message
    alone = model.predict(asked[2])
    assert isinstance(answers[2], ExamPrediction)
    assert answers[2].probability == pytest.approx(alone.probability, abs=1e-6)


def test_exams_are_read_when_their_turn_comes(model: Model, tmp_path: Path) -> None:
    taken: list[int] = []

    def asked() -> Iterator[Exam]:
        for number in range(50):
            taken.append(number)
            yield exam(number % 5, name=str(number))

    first = next(iter(model.stream_exams(asked())))

    assert isinstance(first, ExamPrediction)
    assert len(taken) <= 5


def test_an_image_that_cannot_be_read_fails_the_exam(model: Model, tmp_path: Path) -> None:
    views = (View(picture(1), KNOWN), View(tmp_path / "gone.png", KNOWN))

    with pytest.raises(MissingFileError, match=r"gone\.png: there is no such file"):
        model.predict(Exam("woman", views))
    with pytest.raises(UsageError, match="woman: a record has no picture"):
        model.predict(Exam("woman", (views[0], View(None, KNOWN))))


def test_a_doubted_image_withholds_the_exam_and_is_named(model: Model) -> None:
    blank = View(Image(np.zeros((200, 200), np.uint8), 255.0, "folder/blank.png"), KNOWN)

    answer = model.predict(Exam("woman", (View(picture(1), KNOWN), blank)))

    assert answer.abstained
    assert [view.trust.abstained for view in answer.views] == [False, True]
    grave = [flag for flag in answer.trust.flags if flag.severity == "abstain"]
    assert grave
    assert all(flag.message.startswith("blank.png: ") for flag in grave)
    assert answer.trust.distance == max(view.trust.distance for view in answer.views)
    assert answer.trust.flags[0].severity == "abstain"


def codes(answer: ExamPrediction | Prediction) -> list[str]:
    return [flag.code for flag in answer.trust.flags if flag.code != "unusual"]


def test_more_images_than_the_model_takes_are_thinned_evenly(model: Model, tmp_path: Path) -> None:
    unread, taken = tmp_path / "not there.png", [1, 3, 5, 7]

    answer = model.predict(exam(*range(8)))
    spread = tuple(View(picture(number) if number in taken else unread, KNOWN) for number in range(8))

    assert [view.source for view in answer.views] == [f"picture {number}" for number in taken]
    assert codes(answer) == ["thinned"]
    assert "Of 8 images, 4" in next(flag.message for flag in answer.trust.flags if flag.code == "thinned")
    assert model.predict(Exam("the others are never read", spread)).probability == answer.probability


def test_what_is_not_known_is_said(model: Model) -> None:
    known, half, nothing = (
        exam(1, 2),
        Exam("half", (View(picture(1), KNOWN), View(picture(2), {"age": "50"}))),
        Exam("nothing", (View(picture(1)), View(picture(2)))),
    )

    answers = model.predict([known, half, nothing])

    assert [answer.missing for answer in answers] == [(), ("machine",), ("age", "machine")]
    assert [codes(answer) for answer in answers] == [[], ["missing_facts"], ["missing_facts"]]
    said = [[flag.message for flag in answer.trust.flags if flag.code == "missing_facts"] for answer in answers]
    assert said == [
        [],
        ["Answered without knowing: of some images machine."],
        ["Answered without knowing: age, machine."],
    ]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"age": "50", "machine": "216"}, "machine '216'"),
        ({"age": "500", "machine": "29"}, "age '500'"),
        ({"age": "-500", "machine": "29"}, "age '-500'"),
        ({"age": "95", "machine": "48"}, ""),
    ],
)
def test_what_the_coding_has_not_seen_is_called_out(model: Model, facts: dict[str, str], said: str) -> None:
    answer = model.predict(exam(1, 2, **facts))

    assert codes(answer) == (["unseen_fact"] if said else [])
    assert not answer.abstained
    if said:
        assert any(said in flag.message for flag in answer.trust.flags)


def test_an_image_alone_is_an_exam_of_which_nothing_else_is_known(model: Model) -> None:
    answer = model.predict(picture(1))

    as_exam = model.predict(Exam("one", (View(picture(1)),)))

    assert isinstance(answer, Prediction)
    assert answer.probability == as_exam.probability
    assert answer.source == "picture 1"
    assert codes(answer) == codes(as_exam) == ["one_image", "missing_facts"]
    np.testing.assert_array_equal(answer.heat, as_exam.views[0].heat)
    assert [one.probability for one in model.predict([picture(1)])] == [answer.probability]


def test_an_image_bundle_takes_exams_of_one_image(bundle: Path, tmp_path: Path) -> None:
    model = load(bundle, threads=1)
    plain = model.predict(picture(1))

    answer = model.predict(Exam("woman", (View(picture(1), KNOWN),)))
    listed = list(model.stream_exams([Exam("gone", (View(tmp_path / "gone.png"),)), exam(1, name="here")]))

    assert isinstance(answer, ExamPrediction)
    assert (answer.name, answer.views[0].source) == ("woman", "picture 1")
    assert (answer.probability, answer.views[0].share) == (plain.probability, 1.0)
    assert [one.source for one in listed] == ["gone", "here"]
    assert isinstance(listed[0], Failure)
    for wrong in (exam(1, 2), Exam("woman 1", (View(None, KNOWN),))):
        with pytest.raises(UsageError, match="'woman 1' is not one image") as caught:
            model.predict(wrong)
        assert caught.value.hint


def test_exams_of_single_images_are_not_joined(tmp_path: Path) -> None:
    model = load(tiny_exam_bundle(tmp_path, by="image"), threads=1)

    assert model.predict(exam(1)).probability != model.predict(exam(2)).probability
    assert codes(model.predict(exam(1))) == []
    with pytest.raises(UsageError, match="exam 'woman 1' holds several"):
        model.predict(exam(1, 2))


def test_records_alone(blind: Model, tmp_path: Path) -> None:
    asked = [Exam("a", (View(None, KNOWN),)), Exam("b", (View(tmp_path / "never read.png", {"age": "70"}),))]

    answers = blind.predict(asked)

    assert len({answer.probability for answer in answers}) == 2
    assert all(answer.views == () for answer in answers)
    assert [answer.missing for answer in answers] == [(), ("machine",)]
    odd = blind.predict(Exam("odd", (View(None, {"age": "100000", "machine": "29"}),)))
    assert odd.abstained
    assert "This does not look like the mammography records the model knows." in [f.message for f in odd.trust.flags]
    assert not blind.sees
    with pytest.raises(UsageError, match="looks at no pictures"):
        blind.predict(picture(1))


def test_operating_points_are_those_of_the_bundle(model: Model) -> None:
    assert model.predict(exam(1, 2), "screening").threshold == 0.2
    with pytest.raises(UsageError, match="no operating point 'odd'"):
        model.predict(exam(1, 2), "odd")


def test_several_labels(tmp_path: Path) -> None:
    model = load(tiny_exam_bundle(tmp_path, task="density"), threads=1)

    answer = model.predict(exam(1, 2))

    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.label == max(answer.probabilities, key=answer.probabilities.__getitem__)
    assert answer.threshold is None


@pytest.mark.parametrize(("sees", "facts"), [(True, ()), (True, ("age",)), (False, ("age", "machine"))])
def test_bundles_of_exams_verify(tmp_path: Path, *, sees: bool, facts: tuple[str, ...]) -> None:
    manifest = verify(tiny_exam_bundle(tmp_path, sees=sees, facts=facts))

    assert isinstance(manifest, BundleManifest)
    assert manifest.exam is not None
    assert [fact.name for fact in manifest.exam.coding.facts] == list(facts)


def test_networks_that_do_not_suit_the_manifest(tmp_path: Path) -> None:
    folder = tiny_exam_bundle(tmp_path)

    for content, said in (
        (tiny_network(), r"takes \['image'\]"),
        (tiny_exam_network(0), r"takes \['image'\]"),
        (tiny_exam_network(3), "records of 3 numbers, and the manifest codes 6"),
    ):
        with pytest.raises(BundleError, match=said):
            load(with_network(folder, content))
    with pytest.raises(BundleError, match="need 1"):
        verify(with_network(folder, tiny_exam_network(6, 3)))
    with pytest.raises(BundleError, match="do not fit a reference of 16"):
        verify(with_network(folder, tiny_exam_network(6, sees=False)))
    with pytest.raises(BundleError, match=r"\['image', 'metadata'\]"):
        Session(tiny_exam_network(6))


def test_an_exam_network_in_a_manifest_of_images(tmp_path: Path) -> None:
    folder = spoil(tiny_exam_bundle(tmp_path), lambda values: values.update(exam=None))

    with pytest.raises(BundleError, match=r"model\.onnx takes"):
        load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"most": 0},
        {"most": 65},
        {"by": "world"},
        {"coding": {"facts": [{"name": "x", "kind": "number", "spread": 0}]}},
        {"coding": {"facts": [{"name": f"f{number}", "kind": "word"} for number in range(41)]}},
        {"coding": {"facts": [{"name": "x", "kind": "word", "words": ["w" * 101]}]}},
    ],
)
def test_hostile_manifests_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = spoil(tiny_exam_bundle(tmp_path), lambda values: values["exam"].update(change))

    with pytest.raises(BundleError, match=r"bundle\.json: exam"):
        load(folder)


def test_spec_without_facts_codes_nothing() -> None:
    assert ExamSpec(by="patient", most=8, coding=RecordCoding()).coding.width == 0
