"""Images in, marked regions out."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image as Pil

from senoscope.core.domain.image import Image
from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import Prediction
from senoscope.core.errors import BundleError, InputError, UsageError
from senoscope.core.preprocess.components import components
from senoscope.runtime.outlining import ALWAYS, Outliner
from senoscope.runtime.predictor import Model
from senoscope.runtime.reading import Failure
from senoscope.runtime.store import load, load_any, verify
from tests.makers import outlined_ultrasound, tiny_bundle, tiny_outline_bundle, tiny_outline_network
from tests.runtime.conftest import spoil, with_network


def loaded(folder: Path) -> Outliner:
    found = load_any(folder, threads=1)
    assert isinstance(found, Outliner)
    return found


@pytest.fixture(scope="module")
def outliner(tmp_path_factory: pytest.TempPathFactory) -> Outliner:
    return loaded(tiny_outline_bundle(tmp_path_factory.mktemp("tiny")))


def picture(seed: int = 1, *, lesion: bool = True, size: tuple[int, int] = (160, 128)) -> Image:
    return Image(outlined_ultrasound(seed, size, lesion=lesion)[0], 255.0, f"{seed}.png")


def bright(seed: int = 1) -> Image:
    """Without anything dark enough to be marked."""
    return Image(np.maximum(picture(seed, lesion=False).pixels, 90), 255.0, "bright.png")


def test_the_dark_lesion_is_marked_where_it_lies(outliner: Outliner) -> None:
    for seed in range(1, 6):
        pixels, truth = outlined_ultrasound(seed, (160, 128))

        answer = outliner.predict(Image(pixels, 255.0, "scan.png"))

        assert answer.label == "lesion"
        both = (truth & (answer.codes > 0)).sum()
        assert 2 * both / (truth.sum() + (answer.codes > 0).sum()) > 0.6
        middle = np.argwhere(truth).mean(axis=0)
        left, top, right, bottom = answer.regions[0].box.edges
        assert left < middle[1] < right
        assert top < middle[0] < bottom


def test_an_answer_is_complete_and_consistent(outliner: Outliner) -> None:
    answer = outliner.predict(picture())

    assert isinstance(answer, OutlinePrediction)
    assert isinstance(answer, Prediction)
    assert answer.codes.shape == (128, 160)
    assert answer.codes.dtype == np.uint8
    assert answer.labels == ("tissue", "lesion")
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert (answer.operating_point, answer.threshold, answer.prevalence) == ("balanced", 0.5, 0.8)
    assert components(answer.codes > 0)[1] == len(answer.regions)
    assert sum(region.pixels for region in answer.regions) == (answer.codes > 0).sum()
    assert all(region.share == region.pixels / (128 * 160) for region in answer.regions)
    assert all(region.probability >= outliner.manifest.threshold for region in answer.regions)
    assert all(region.share >= outliner.manifest.smallest for region in answer.regions)
    assert answer.saliency.shape == (128, 160)
    assert not answer.abstained


def test_where_nothing_stands_out_nothing_is_called(outliner: Outliner) -> None:
    answer = outliner.predict(bright())

    assert (answer.label, answer.regions) == ("tissue", ())
    assert answer.probability < 0.5
    assert not answer.codes.any()


def test_what_is_not_called_is_not_marked(tmp_path: Path, outliner: Outliner) -> None:
    strict = loaded(
        spoil(
            tiny_outline_bundle(tmp_path),
            lambda values: [point.update(threshold=1.0) for point in values["operating_points"]],
        )
    )

    given, held = outliner.predict(picture()), strict.predict(picture())

    assert given.probability == held.probability
    assert given.codes.any()
    assert (held.label, held.regions) == ("tissue", ())
    assert not held.codes.any()
    np.testing.assert_array_equal(held.heat, given.heat)


def test_sure_of_a_region_and_none_stands_out(tmp_path: Path) -> None:
    """The score is of the likeliest pixels; where all of them together are too small, nothing can be shown."""
    vast = loaded(spoil(tiny_outline_bundle(tmp_path), lambda values: values.update(smallest=0.6)))
    lenient = vast.predict(picture(), "screening")

    assert (lenient.label, lenient.regions) == ("tissue", ())


def test_without_a_calibration_what_is_marked_is_called(tmp_path: Path) -> None:
    always = loaded(tiny_outline_bundle(tmp_path, calibrated=False))

    marked, unmarked = always.predict(picture()), always.predict(bright())

    assert (marked.label, marked.probability, marked.threshold) == ("lesion", 1.0, None)
    assert (unmarked.label, unmarked.probability) == ("tissue", 0.0)
    assert marked.operating_point == ALWAYS
    with pytest.raises(UsageError, match="no operating point 'screening'") as caught:
        always.predict(picture(), "screening")
    assert caught.value.hint == "it has: none"


def test_the_operating_point_is_the_one_asked_for(outliner: Outliner) -> None:
    answer = outliner.predict(picture(), "screening")

    assert (answer.operating_point, answer.threshold) == ("screening", 0.2)
    with pytest.raises(UsageError, match="no operating point 'hopeful'"):
        outliner.predict(picture(), "hopeful")


def test_a_stream_keeps_its_order_goes_on_after_failures_and_takes_paths(outliner: Outliner, tmp_path: Path) -> None:
    for seed in range(7):
        Pil.fromarray(picture(seed).pixels).save(tmp_path / f"{seed}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    paths = [tmp_path / f"{seed}.png" for seed in range(7)]

    found = list(outliner.stream(paths, batch=3))

    assert [Path(answer.source).name for answer in found] == [path.name for path in paths]
    assert [isinstance(answer, Failure) for answer in found] == [seed == 3 for seed in range(7)]
    alone = outliner.predict(paths[5])
    assert isinstance(found[5], OutlinePrediction)
    np.testing.assert_array_equal(found[5].codes, alone.codes)
    with pytest.raises(InputError):
        outliner.predict(paths[3])


def test_only_a_few_pictures_are_held(outliner: Outliner) -> None:
    taken: list[int] = []

    def pictures() -> Iterable[Image]:
        for seed in range(40):
            taken.append(seed)
            yield picture(seed % 3, size=(64, 64))

    stream = outliner.stream(pictures(), batch=2)
    next(stream)

    assert len(taken) < 20


def test_doubts_withhold_the_answer(outliner: Outliner) -> None:
    blank = outliner.predict(Image(np.zeros((100, 100), np.uint8), 255.0, "blank.png"))
    noise = outliner.predict(Image(np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8), 255.0, "n"))

    assert blank.abstained
    assert noise.abstained
    assert "out_of_distribution" in [flag.code for flag in noise.trust.flags]


def test_several_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from senoscope.core import tasks
    from senoscope.core.registry import Registry
    from senoscope.core.tasks.base import Task

    depth = Task(
        name="depth",
        title="How dark?",
        modality="ultrasound",
        stage="diagnosis",
        kind="segment",
        labels=("light", "middle", "dark"),
        positive="dark",
        color=False,
        smallest_side=32,
    )
    known = Registry("task", [*((name, tasks.TASKS.get(name)) for name in tasks.TASKS.names()), ("depth", depth)])
    for module in ("core.tasks", "runtime.store", "runtime.outlining"):
        monkeypatch.setattr(f"senoscope.{module}.TASKS", known, raising=False)
    outliner = loaded(tiny_outline_bundle(tmp_path, task="depth"))

    answer = outliner.predict(picture())

    assert set(np.unique(answer.codes)) <= {0, 1, 2}
    shares = np.bincount(answer.codes.ravel(), minlength=3) / answer.codes.size
    assert list(answer.probabilities.values()) == pytest.approx(shares)
    assert answer.label == max(answer.probabilities, key=answer.probabilities.__getitem__)
    assert answer.threshold is None
    assert {region.label for region in answer.regions} <= {"middle", "dark"}
    # The darkest picture holds more of what is dark.
    darker = outliner.predict(Image(picture().pixels // 3, 255.0, "darker.png"))
    assert darker.probabilities["dark"] > answer.probabilities["dark"]


def constant(maps: int, embedding: int, value: float, side: int = 32) -> bytes:
    """A network that says the same of every pixel."""
    made = [
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("value", TensorProto.FLOAT, [1, maps, 1, 1], [value] * maps),
        helper.make_tensor("all", TensorProto.INT64, [2], [2, 3]),
        helper.make_tensor("known", TensorProto.FLOAT, [1, embedding], [0.5] * embedding),
    ]
    nodes = [
        helper.make_node("Mul", ["image", "zero"], ["none"]),
        helper.make_node("ReduceMean", ["none", "axes"], ["one"], keepdims=1),
        helper.make_node("Add", ["one", "value"], ["mask_logits"]),
        helper.make_node("ReduceMean", ["one", "all"], ["flat"], keepdims=0),
        helper.make_node("Add", ["flat", "known"], ["embedding"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("mask_logits", "embedding")]
    graph = helper.make_graph(nodes, "constant", [image], outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (tiny_outline_network(3), "where 1 maps and 16 numbers are needed"),
        (constant(1, 8, 0.0), "where 1 maps and 16 numbers are needed"),
        (tiny_outline_network(side=64), "refuses an input"),
        (b"nothing", "cannot be run"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(tmp_path: Path, network: bytes, said: str) -> None:
    folder = with_network(tiny_outline_bundle(tmp_path), network)

    with pytest.raises(BundleError, match=said):
        verify(folder)


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    classifier = (tiny_bundle(tmp_path / "labels") / "model.onnx").read_bytes()
    folder = with_network(tiny_outline_bundle(tmp_path / "outlines"), classifier)

    with pytest.raises(BundleError, match="gives") as caught:
        load_any(folder)
    assert "mask_logits" in caught.value.hint


def test_an_answer_that_is_no_number_is_a_failure(tmp_path: Path) -> None:
    broken = loaded(with_network(tiny_outline_bundle(tmp_path), constant(1, 16, float("nan"))))

    (found,) = broken.stream([picture()])

    assert isinstance(found, Failure)
    assert "not a number" in found.error.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"smallest": 1.0}, "smallest"),
        ({"smallest": -0.1}, "smallest"),
        ({"tile": -1}, "tile"),
        ({"labels": ["tissue"]}, "labels"),
        ({"operating_point": "hopeful"}, "operating point 'hopeful'"),
        ({"operating_points": [], "operating_point": ""}, "do not fit"),
        ({"calibration": None}, "do not fit"),
        ({"task": "ultrasound"}, "threshold|labels|Extra"),
        ({"exam": None}, "exam"),
    ],
)
def test_a_manifest_that_must_not_be_trusted(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    folder = spoil(tiny_outline_bundle(tmp_path), lambda values: values.update(changes))

    with pytest.raises(BundleError, match=said) as caught:
        verify(folder)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_bundles_are_told_apart_by_their_kind(tmp_path: Path) -> None:
    labels, outlines = tiny_bundle(tmp_path / "labels"), tiny_outline_bundle(tmp_path / "outlines")

    assert isinstance(load_any(labels), Model)
    assert isinstance(load_any(outlines), Outliner)
    assert verify(outlines).name == "tiny_outline"
    with pytest.raises(UsageError, match=r"tiny_outline .* its answers are not labels"):
        load(outlines)
