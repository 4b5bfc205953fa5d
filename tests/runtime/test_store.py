"""Bundles that must not be trusted, and how they are found."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from senoscope.core.errors import BundleError, SenoscopeError, UsageError
from senoscope.runtime import store
from senoscope.runtime.store import find_for_task, load, locate, read_manifest, shipped, verify
from tests.makers import TINY, tiny_box_bundle, tiny_bundle, tiny_chain_bundle, tiny_outline_bundle
from tests.runtime.conftest import network, picture, spoil, with_network

SQUARE = {"kind": "resize", "height": TINY, "width": TINY}


def refused(folder: Path, words: str) -> BundleError:
    with pytest.raises(BundleError, match=words) as caught:
        verify(folder)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def test_valid_bundle(bundle: Path) -> None:
    assert verify(bundle).name == "tiny"
    assert load(bundle).task.name == "ultrasound"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.999])
def test_one_flipped_byte_in_the_network(bundle: Path, share: float) -> None:
    path = bundle / "model.onnx"
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)

    refused(bundle, "is not the network of this bundle")


@pytest.mark.parametrize("bit", [0x01, 0x04, 0x80])
def test_flipped_bytes_in_the_manifest(bundle: Path, bit: int) -> None:
    path = bundle / "bundle.json"
    content = path.read_bytes()
    silent = 0
    for position in range(0, len(content), 97):
        path.write_bytes(content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :])
        try:
            verify(bundle)
        except SenoscopeError:
            continue
        silent += 1
    assert silent == 0


@pytest.mark.parametrize("version", [0, 2, 99, "1", None, [1]])
def test_other_format_version(bundle: Path, version: object) -> None:
    refused(spoil(bundle, lambda values: values.update(format=version)), "this version reads 1")


def _change(*keys: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["model", "path"], "../x.onnx", r"model\.path"),
        (["model", "path"], "/etc/passwd.onnx", r"model\.path"),
        (["model", "path"], "a\\..\\x.onnx", r"model\.path"),
        (["model", "path"], "other.onnx", "is not there"),
        (["model", "sha256"], "0" * 64, "is not the network"),
        (["labels"], ["malignant", "benign"], "labels"),
        (["labels"], ["benign", "malignant", "normal"], "labels"),
        (["positive"], "benign", "labels"),
        (["task"], "horoscope", "unknown task"),
        (["operating_point"], "hopeful", "operating point 'hopeful'"),
        (["operating_points"], [], "operating point"),
        (["calibration", "slope"], 0, r"calibration\.platt\.slope"),
        (["calibration", "slope"], float("inf"), r"calibration\.platt\.slope"),
        (["calibration", "intercept"], float("nan"), r"calibration\.platt\.intercept"),
        (["operating_points", 0, "threshold"], 1.5, "threshold"),
        (["reference", "limit"], float("inf"), r"reference\.limit"),
        (["reference", "limit"], -1, r"reference\.limit"),
        (["reference", "residual"], 0, r"reference\.residual"),
        (["reference", "quantiles"], [1.0] * 100, "do not fit together"),
        (["reference", "quantiles"], [float(101 - n) for n in range(101)], "do not fit together"),
        (["reference", "mean", "shape"], [15], "embedding reference"),
        (["reference", "mean", "shape"], [4, 4], "do not fit together"),
        (["reference", "mean", "shape"], [0], r"reference\.mean"),
        (["reference", "mean", "data"], "AAA", r"reference\.mean"),
        (["reference", "mean", "data"], "AAAA", "embedding reference"),
        (["reference", "mean", "dtype"], "|O", r"reference\.mean"),
        (["pipeline", "steps"], [{"kind": "gray"}], "no resize"),
        (["pipeline", "steps"], [{"kind": "gray"}, SQUARE, {"kind": "breast"}], "any size after its resize"),
        (["pipeline", "steps"], [{"kind": "gray"}, SQUARE, {"kind": "torso"}, {"kind": "flip"}], "any size after"),
        (["pipeline", "steps"], [{"kind": "gray"}, {"kind": "breast"}, SQUARE, {"kind": "breast"}], "any size after"),
        (["pipeline", "steps"], [{"kind": "exec", "code": "1"}], r"pipeline\.steps"),
        (["pipeline", "steps", 1, "height"], 10**9, r"pipeline\.steps"),
        (["pipeline", "steps", 1, "height"], -1, r"pipeline\.steps"),
        (["pipeline", "steps"], [{"kind": "flip"}] * 1000, r"pipeline\.steps"),
        (["pipeline", "scale"], 0, r"pipeline\.scale"),
        (["pipeline", "scale"], float("nan"), r"pipeline\.scale"),
        (["pipeline", "channels"], 2, r"pipeline\.channels"),
        (["pipeline", "channels"], 1, "refuses an input"),
        (["pipeline", "steps", 1, "width"], TINY + 1, "refuses an input"),
        (["surprise"], 1, "surprise"),
        (["recipe", "fit", "epochs"], "many", r"recipe\.fit\.epochs"),
    ],
)
def test_manifest_that_must_not_be_trusted(bundle: Path, keys: list[str | int], value: object, words: str) -> None:
    refused(spoil(bundle, _change(*keys, to=value)), words)


@pytest.mark.parametrize("cut", ["breast", "torso"])
def test_what_is_cut_before_the_resize_goes(bundle: Path, cut: str) -> None:
    steps = [{"kind": "gray"}, {"kind": cut}, SQUARE, {"kind": "flip"}]

    assert len(verify(spoil(bundle, _change("pipeline", "steps", to=steps))).pipeline.steps) == 4


def test_colour_in_a_pipeline_of_one_channel(bundle: Path) -> None:
    spoil(bundle, _change("pipeline", "channels", to=1))

    refused(spoil(bundle, lambda values: values["pipeline"]["steps"].pop(0)), "takes colour")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n",
        b'{"format": 1}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"format": ' + b"9" * 10_000 + b"}",
    ],
    ids=[
        "empty",
        "cut",
        "null",
        "list",
        "not UTF-8",
        "PNG",
        "nothing in it",
        "deep list",
        "deep object",
        "long number",
    ],
)
def test_manifest_that_is_none(bundle: Path, content: bytes) -> None:
    (bundle / "bundle.json").write_bytes(content)

    refused(bundle, r"bundle\.json")


def test_manifest_beyond_the_bound(bundle: Path) -> None:
    with (bundle / "bundle.json").open("r+b") as file:
        file.truncate(store.LARGEST_MANIFEST + 1)

    refused(bundle, "is larger than")


def test_network_beyond_the_bound(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LARGEST_MODEL", 100)

    refused(bundle, "is larger than 100 bytes")


@pytest.mark.parametrize("inside", [True, False])
def test_network_behind_a_link(bundle: Path, tmp_path: Path, inside: bool) -> None:
    target = (bundle if inside else tmp_path) / "elsewhere.onnx"
    (bundle / "model.onnx").rename(target)
    (bundle / "model.onnx").symlink_to(target)

    refused(bundle, "lies outside the bundle")


def test_network_that_is_a_pipe_is_not_waited_for(bundle: Path) -> None:
    (bundle / "model.onnx").unlink()
    os.mkfifo(bundle / "model.onnx")

    refused(bundle, "is not there")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000), b"\x89PNG\r\n\x1a\n" * 50, b"\x08\x09" * 500])
def test_network_that_is_none(bundle: Path, content: bytes) -> None:
    refused(with_network(bundle, content), r"model\.onnx")


@pytest.mark.parametrize("place", ["secret.bin", "../tiny/secret.bin", "ABSOLUTE"])
@pytest.mark.parametrize("attribute", [False, True])
@pytest.mark.parametrize("here", ["bundle", "parent"])
def test_network_that_reads_another_file(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, place: str, attribute: bool, here: str
) -> None:
    (bundle / "secret.bin").write_bytes(np.arange(3 * 300, dtype=np.float32).tobytes())
    monkeypatch.chdir(bundle if here == "bundle" else bundle.parent)
    place = str(bundle / "secret.bin") if place == "ABSOLUTE" else place

    refused(with_network(bundle, _reader(place, attribute)), r"model\.onnx cannot be run")


def _reader(place: str, attribute: bool) -> bytes:
    """A network whose weight lies in another file, as an initializer or as the value of a constant."""
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    weight.dims.extend([3, 300])
    entry = weight.external_data.add()
    entry.key, entry.value = "location", place
    nodes = [helper.make_node("MatMul", ["image", "weight"], ["embedding"])]
    if attribute:
        nodes.insert(0, helper.make_node("Constant", [], ["weight"], value=weight))
    nodes += [helper.make_node("Identity", ["embedding"], [name]) for name in ("logits", "saliency")]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in ("logits", "saliency", "embedding")]
    image = helper.make_tensor_value_info("image", 1, ["N", 3])
    graph = helper.make_graph(nodes, "reader", [image], outputs, [] if attribute else [weight])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (network(image="picture"), "takes"),
        (network(side=TINY * 2), "refuses an input"),
        (network(logits=[[0.5, 0.5]]), "network gives logits"),
        (network(logits=[0.5]), "network gives logits"),
        (network(logits=[[0.5], [0.5]]), "network gives logits"),
        (network(saliency=[[1.0, 0.0]]), "saliency"),
        (network(saliency=[[[1.0]], [[1.0]]]), "explains"),
        (network(embedding=[[[0.5]]]), "embedding"),
        (network(embedding=[[0.5] * 15]), "embeddings of 15 numbers do not fit a reference of 16"),
        (network(logits=[[float("nan")]]), "not a number"),
        (network(embedding=[[float("inf")] * 16]), "not a number"),
        (network(saliency=[[[float("nan")]]]), "not a number"),
    ],
)
def test_network_of_another_kind(bundle: Path, content: bytes, words: str) -> None:
    refused(with_network(bundle, content), words)


def test_constant_network_is_otherwise_fine(bundle: Path) -> None:
    """What is refused above is refused for the one thing that is wrong with it."""
    answers = load(with_network(bundle, network())).predict([picture(seed) for seed in range(3)])

    assert len(answers) == 3


def test_bundle_is_found_by_folder_and_by_run(tmp_path: Path) -> None:
    folder = tiny_bundle(tmp_path / "run" / "bundle")

    assert locate(folder) == locate(tmp_path / "run") == folder


def test_shipped_bundle_is_found_by_name() -> None:
    names = [manifest.name for manifest in shipped()]

    assert "ultrasound" in names
    assert find_for_task("ultrasound") == "ultrasound"
    for name in names:
        assert locate(name) == store.ZOO / name
        assert read_manifest(locate(name)).name == name


def test_shipped_bundle_is_found_though_another_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_bundle(tmp_path / "tiny")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bundle.json").write_text("{")
    monkeypatch.setattr(store, "ZOO", tmp_path)

    assert load("tiny").manifest.name == "tiny"


def test_of_several_bundles_what_outlines_first_goes_first_and_where_comes_after_which(tmp_path: Path) -> None:
    tiny_box_bundle(tmp_path / "a", "a")
    tiny_outline_bundle(tmp_path / "b", "b")
    tiny_bundle(tmp_path / "c", "c")
    tiny_chain_bundle(tmp_path / "d", "d")

    assert [manifest.name for manifest in shipped(tmp_path)] == ["d", "c", "b", "a"]


@pytest.mark.parametrize("name", ["ultrasund", "x" * 5000, "a\0b", "nowhere/at/all", ""])
def test_unknown_bundle(name: str) -> None:
    with pytest.raises(SenoscopeError):
        load(name)


def test_misspelt_bundle_lists_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load("ultrasund")

    assert "ultrasound" in caught.value.hint


def test_folder_without_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no bundle") as caught:
        load(tmp_path)

    assert "model.onnx" in caught.value.hint


def test_task_without_a_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no task"):
        find_for_task("horoscope")
    monkeypatch.setattr(store, "shipped", list)
    with pytest.raises(UsageError, match="no bundle ships"):
        find_for_task("ultrasound")


def test_manifest_comes_back_from_its_file(bundle: Path) -> None:
    manifest = read_manifest(bundle)

    assert type(manifest).model_validate_json(manifest.model_dump_json()) == manifest
    assert json.loads((bundle / "bundle.json").read_text())["format"] == 1
