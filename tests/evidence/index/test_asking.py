import re
from pathlib import Path

import pytest

from senoscope.core.domain.bundle import ExamSpec
from senoscope.core.domain.coding import RecordCoding, fit_coding
from senoscope.core.domain.exam import View
from senoscope.core.errors import DatasetError, UsageError
from senoscope.evidence.index.asking import Facts, asked_exams, read_facts
from senoscope.evidence.metrics.aggregation import Level
from senoscope.evidence.tables.records import NOT_STATED
from tests.makers import AGES


def spec(by: Level = "patient", facts: tuple[str, ...] = ("age", "machine", "view")) -> ExamSpec:
    return ExamSpec(by=by, most=8, coding=fit_coding(facts, AGES))


@pytest.fixture
def women(tmp_path: Path) -> Path:
    """Two women in folders, and a film by itself."""
    for name in ("ann/b.png", "ann/a.png", "ben/c.png", "loose.png"):
        path = tmp_path / "women" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"never read")
    return tmp_path / "women"


def table(folder: Path, text: str, of: ExamSpec | None = None) -> Facts:
    path = folder / "facts.csv"
    path.write_text(text, encoding="utf-8")
    return read_facts(path, of or spec())


def test_a_folder_is_an_exam_and_so_is_a_file(women: Path) -> None:
    found = asked_exams([women / "ben", women / "loose.png", women / "ann"], spec())

    assert [one.name for one in found] == [str(women / name) for name in ("ben", "loose.png", "ann")]
    assert found[1].views == (View(women / "loose.png"),)
    assert found[2].views == (View(women / "ann" / "a.png"), View(women / "ann" / "b.png"))


def test_folders_within_a_folder_are_exams_of_their_own(women: Path) -> None:
    found = asked_exams([women], spec())

    assert [(Path(one.name).name, len(one.views)) for one in found] == [("ann", 2), ("ben", 1), ("women", 1)]


def test_where_exams_are_single_images_every_picture_is_one(women: Path) -> None:
    found = asked_exams([women], spec("image"), table(women.parent, "exam,age\nb,50\nc,60\n", spec("image")))

    assert [Path(one.name).name for one in found] == ["a.png", "b.png", "c.png", "loose.png"]
    assert [dict(one.views[0].facts) for one in found] == [{}, {"age": "50"}, {"age": "60"}, {}]


def test_facts_of_exams_and_of_their_files(women: Path) -> None:
    text = "exam,file,age,machine,view\nann,,50,29,\nann,a.png,,48,MLO\nann,b.png,,NA,CC\n"

    found = asked_exams([women], spec(), table(women.parent, text))

    ann, ben, alone = found
    # The views decide the order, as they did in training.
    assert ann.views == (
        View(women / "ann" / "b.png", {"age": "50", "machine": "29", "view": "CC"}),
        View(women / "ann" / "a.png", {"age": "50", "machine": "48", "view": "MLO"}),
    )
    assert alone.views == (View(women / "loose.png"),)
    assert ben.views == (View(women / "ben" / "c.png"),)
    file = asked_exams([women / "loose.png"], spec(), table(women.parent, "exam,age\nloose,70\n"))
    assert file[0].views == (View(women / "loose.png", {"age": "70"}),)


def test_a_word_of_the_coding_is_that_word_even_where_it_means_missing_elsewhere(tmp_path: Path) -> None:
    known = [{"implant": word, "tissue": "fat"} for word in ("none", "silicone") * 20]
    of = ExamSpec(by="patient", most=8, coding=fit_coding(("implant", "tissue"), known))

    facts = table(tmp_path, "exam,implant,tissue\nann,none,none\nben,None,fat\n", of)

    assert [dict(one.views[0].facts) for one in facts.exams()] == [{"implant": "none"}, {"tissue": "fat"}]


def test_the_reference_names_every_word_for_missing() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text("utf-8")
    said = text.split("An empty cell is a missing value")[1].split("unless")[0]

    assert set(re.findall("`([^`]+)`", said)) | {""} == NOT_STATED


@pytest.mark.parametrize("coded", [("age",), ()])
def test_side_view_and_slice_order_an_exam_of_any_bundle(women: Path, coded: tuple[str, ...]) -> None:
    of = spec(facts=coded)

    for column in ("laterality", "view", "slice"):
        facts = table(women.parent, f"exam,file,{column}\nann,a.png,2\nann,b.png,1\n", of)
        (ann,) = asked_exams([women / "ann"], of, facts)
        assert [view.name for view in ann.views] == [str(women / "ann" / name) for name in ("b.png", "a.png")]


def test_a_table_alone(tmp_path: Path) -> None:
    facts = table(tmp_path, "exam,file,age,view\nann,second,,MLO\nann,first,,CC\nann,,50,\nben,,60,\n")

    assert [(one.name, [dict(view.facts) for view in one.views]) for one in facts.exams()] == [
        ("ann", [{"age": "50", "view": "CC"}, {"age": "50", "view": "MLO"}]),
        ("ben", [{"age": "60"}]),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age\n50\n", "has no column exam"),
        ("exam,age\n", "has no row"),
        ("exam,age,shoe\nann,50,38\n", "column 'shoe' is no fact that the bundle knows"),
        ("exam,age\n,50\n", "row 1, column 'exam': empty"),
        ("exam,age\nann,50\nben,60\nann,51\n", "row 3, column 'exam': 'ann' is in row 1 already"),
        ("exam,file,age\nann,a.png,5\nann,a.png,6\n", "row 2, column 'file': 'ann' and 'a.png' are in row 1 already"),
        ("exam,age\nann,50\nzoe,60\n", "row 2, column 'exam': there is no picture of 'zoe'"),
        ("exam,file,age\nann,z.png,50\n", "row 1, column 'file': 'z.png' is no picture of 'ann'"),
        ("exam,age\nann,=1+1\n", "a spreadsheet formula"),
        ("exam,age\nann,50,60\n", "row 1: it has more or fewer cells"),
    ],
)
def test_tables_that_cannot_be_used(women: Path, text: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        asked_exams([women], spec(), table(women.parent, text))


def test_two_exams_of_one_name_cannot_be_told_apart_in_a_table(women: Path) -> None:
    other = women.parent / "more" / "ann"
    other.mkdir(parents=True)
    (other / "x.png").write_bytes(b"")
    facts = table(women.parent, "exam,age\nann,50\n")

    with pytest.raises(DatasetError, match="two exams are called 'ann'"):
        asked_exams([women / "ann", other], spec(), facts)
    assert len(asked_exams([women / "ann", other], spec())) == 2


def test_a_bundle_that_knows_no_facts(women: Path) -> None:
    for of in (None, ExamSpec(by="image", most=8, coding=RecordCoding())):
        with pytest.raises(UsageError, match="goes by no facts"):
            read_facts(women / "facts.csv", of)
