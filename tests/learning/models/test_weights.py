"""Weights: local files, the hub, and what must not pass for weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from senoscope.core.errors import RecipeError, WeightsError
from senoscope.learning.models.weights import CONVENTIONS, resolve
from tests.learning.conftest import TINY


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["mobilenetv1_100", "mobilenetv2_100", "tf_efficientnet_lite0"])
def test_local_weights(name: str, weights_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", str(weights_root))

    backbone = resolve(name)

    stored = load_file(weights_root / f"{name}.safetensors")
    assert backbone.mean == backbone.std == (0.5, 0.5, 0.5)
    assert f"{name}.safetensors" in backbone.origin
    assert any(digest.startswith(backbone.origin[-12:]) for digest in CONVENTIONS)
    state = backbone.network.state_dict()
    for key in stored.keys() & state.keys():
        assert torch.equal(state[key], stored[key].float())
    assert len(stored.keys() & state.keys()) > 100
    assert not any(parameter.requires_grad for parameter in backbone.network.parameters())


def test_own_weights_are_taken_with_timms_convention(folder: Path) -> None:
    other = resolve(TINY, pretrained=False, seed=9)
    save_file(other.network.state_dict(), folder / f"{TINY}.safetensors")

    backbone = resolve(TINY)

    assert backbone.digest == other.digest


def test_random_weights_depend_on_the_seed_alone() -> None:
    first, again, other = (resolve(TINY, pretrained=False, seed=seed) for seed in (1, 1, 2))

    assert first.digest == again.digest != other.digest


def test_damaged_file(folder: Path) -> None:
    path = folder / f"{TINY}.safetensors"
    save_file(resolve(TINY, pretrained=False).network.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-5000])

    with pytest.raises(WeightsError, match="cannot be read") as caught:
        resolve(TINY)

    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x80\x04\x95 a pickle"])
def test_file_of_another_kind(folder: Path, content: bytes) -> None:
    (folder / f"{TINY}.safetensors").write_bytes(content)

    with pytest.raises(WeightsError, match="cannot be read"):
        resolve(TINY)


def test_weights_of_another_model(folder: Path) -> None:
    save_file(resolve("test_resnet", pretrained=False).network.state_dict(), folder / f"{TINY}.safetensors")

    with pytest.raises(WeightsError, match="does not fit its model"):
        resolve(TINY)


def test_weights_of_another_size(folder: Path) -> None:
    state = resolve(TINY, pretrained=False).network.state_dict()
    key = next(key for key, value in state.items() if value.ndim == 4)
    state[key] = state[key][:, :1].contiguous()
    save_file(state, folder / f"{TINY}.safetensors")

    with pytest.raises(WeightsError, match="does not fit its model"):
        resolve(TINY)


@pytest.mark.parametrize("empty", [True, False])
def test_missing_weights_say_where_to_put_them(empty: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_WEIGHTS", "" if empty else str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    with pytest.raises(WeightsError, match="no pretrained weights for test_resnet") as caught:
        resolve("test_resnet")

    assert "SENOSCOPE_WEIGHTS" in caught.value.hint
    assert "test_resnet.safetensors" in caught.value.hint


def test_unknown_backbone_lists_the_nearest() -> None:
    with pytest.raises(RecipeError, match="mobilenetv2_101") as caught:
        resolve("mobilenetv2_101")

    assert "mobilenetv2_100" in caught.value.hint


@pytest.mark.parametrize("name", ["test_vit", "test_mambaout"])
def test_backbone_without_a_map_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match=name):
        resolve(name, pretrained=False)
