from pathlib import Path

import pytest

from senoscope.clinic.settings import default_home, is_loopback, settings
from senoscope.core.errors import SettingsError
from senoscope.core.io import SERVICE


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "clinic.example"])  # noqa: S104
def test_a_host_beyond_this_machine_needs_to_be_meant(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no users yet") as caught:
        settings(host=host, home=tmp_path)
    assert "--allow-remote" in caught.value.hint
    assert settings(host=host, home=tmp_path, allow_remote=True).host == host


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)]
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_value_that_does_not_fit_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="port") as caught:
        settings(port=70_000, home=tmp_path)
    assert "SENOSCOPE_PORT" in caught.value.hint


def test_a_list_in_the_environment_that_is_no_json_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENOSCOPE_HOSTS", "scans.example")
    with pytest.raises(SettingsError, match="hosts") as caught:
        settings()
    assert "JSON list" in caught.value.hint


def test_no_file_is_accepted_that_would_not_be_read() -> None:
    with pytest.raises(SettingsError, match="max_file_bytes"):
        settings(max_file_bytes=SERVICE.bytes + 1)


def test_the_environment_is_read_and_what_is_given_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SENOSCOPE_PORT", "8123")
    monkeypatch.setenv("SENOSCOPE_HOME", str(tmp_path))
    assert (settings().port, settings().home) == (8123, tmp_path)
    assert settings(port=9000, home=None).port == 9000


def test_home_follows_the_desktop_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_home() == tmp_path / "senoscope"


def test_only_known_names_are_answered(tmp_path: Path) -> None:
    names = settings(home=tmp_path, hosts=("scans.example",)).allowed_hosts
    assert {"localhost", "127.0.0.1", "scans.example"} <= set(names)
    assert "*" not in names
