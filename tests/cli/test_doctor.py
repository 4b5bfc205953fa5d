"""`senoscope doctor`."""

import importlib.util
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from senoscope.cli import doctor
from senoscope.runtime import store
from tests.cli.conftest import Command
from tests.makers import tiny_bundle


def test_healthy_installation(senoscope: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_DATA", "a place with ü")

    done = senoscope("doctor")

    assert done.status == 0
    assert "ok       bundle ultrasound" in done.out
    assert "SENOSCOPE_DATA = a place with ü" in done.out
    assert "ok       onnxruntime" in done.out


def test_missing_package(senoscope: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "imagecodecs":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(doctor, "version", version)

    done = senoscope("doctor")

    assert done.status == 1
    assert "missing  imagecodecs" in done.out


def test_missing_extra_is_no_fault(senoscope: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "timm" else real(name))

    done = senoscope("doctor")

    assert done.status == 0
    assert "pip install 'senoscope[train]'" in done.out


def test_broken_bundle(senoscope: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tiny_bundle(tmp_path / "tiny")
    (folder / "model.onnx").write_bytes(b"")
    monkeypatch.setattr(store, "ZOO", tmp_path)
    monkeypatch.setattr(store.shipped, "__defaults__", (tmp_path,))

    done = senoscope("doctor")

    assert done.status == 1
    assert "broken" in done.out
