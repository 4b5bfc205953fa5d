"""An archive takes every object and gives it back as it was."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from senoscope.runtime.outputs.dicom import KINDS
from tests.conftest import needs
from tests.makers.dicom_answers import subject_of
from tests.runtime.outputs.dicom.conftest import file_of
from tests.runtime.outputs.dicom.test_kinds import PLACES

PROGRAM = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, content: bytes | None = None) -> bytes:
    with urllib.request.urlopen(url, content, timeout=20) as reply:  # noqa: S310
        return bytes(reply.read())


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an Orthanc that holds nothing and forgets all."""
    needs(PROGRAM, "Orthanc is not installed")
    assert PROGRAM is not None
    folder: Path = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    settings = {"Name": "test", "HttpPort": port, "RemoteAccessAllowed": False, "AuthenticationEnabled": False}
    settings |= {"DicomServerEnabled": False, "Plugins": [], "StorageDirectory": str(folder / "db")}
    settings |= {"IndexDirectory": str(folder / "db"), "OverwriteInstances": True}
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([PROGRAM, str(folder / "orthanc.json")], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                ask(f"{address}/system")
                break
            except (urllib.error.URLError, ConnectionError):
                assert running.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.parametrize(("kind", "source"), PLACES)
def test_what_is_stored_comes_back_byte_by_byte(kind: str, source: str, orthanc: str) -> None:
    for made in KINDS.get(kind)(subject_of("outlined", source, "kanji")):
        content = file_of(made)
        stored = json.loads(ask(f"{orthanc}/instances", content))

        assert stored["Status"] == "Success"
        assert ask(f"{orthanc}/instances/{stored['ID']}/file") == content


def test_all_are_filed_with_one_patient_and_one_study_and_a_second_run_adds_none(orthanc: str) -> None:
    subject = subject_of("outlined", "MG", "long")
    made = [one for kind, source in PLACES if source == "MG" for one in KINDS.get(kind)(subject)]
    before = len(json.loads(ask(f"{orthanc}/instances")))

    for one in (subject.sources[0].dataset, *made, *made):
        ask(f"{orthanc}/instances", file_of(one))

    studies = [json.loads(ask(f"{orthanc}/studies/{study}")) for study in json.loads(ask(f"{orthanc}/studies"))]
    ours = [one for one in studies if one["PatientMainDicomTags"]["PatientID"] == "I" * 64]
    assert len(ours) == 1
    assert len(ours[0]["Series"]) == 1 + len(made)
    assert len(json.loads(ask(f"{orthanc}/instances"))) == before + 1 + len(made)
