import pytest

from senoscope.core.domain.bundle import Interval
from senoscope.evidence.report.markup import Html, Section, banner, cell, folded, items, markup, page, table

HOSTILE = "<script>alert('x')</script> & \"quoted\" $title ${x}"
ESCAPED = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quoted&quot; $title ${x}"


def test_text_is_escaped_once_and_markup_is_left_alone() -> None:
    assert markup(HOSTILE) == ESCAPED
    assert markup(markup(HOSTILE)) == ESCAPED


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "undefined"),
        (Interval(value=0.5, low=0.25, high=0.75), '0.500 <span class="range">(0.250–0.750)'),
        (Interval(value=-0.1, low=-0.2, high=0.3), '-0.100 <span class="range">(-0.200 to 0.300)'),
        ("<b>", "&lt;b&gt;"),
        (Html("<b>"), "<b>"),
    ],
)
def test_a_cell_shows_a_figure_or_text(value: str | Interval | None, shown: str) -> None:
    assert shown in cell(value)


def test_every_piece_escapes_what_it_is_given() -> None:
    pieces = (
        table((HOSTILE,), [(HOSTILE, HOSTILE)]),
        items([HOSTILE]),
        folded(HOSTILE, Html("")),
        banner([HOSTILE]),
        page(HOSTILE, HOSTILE, [Section("one", HOSTILE, items([HOSTILE]))], [HOSTILE]),
    )

    for piece in pieces:
        assert "<script>" not in piece
        assert ESCAPED in piece


def test_only_sections_with_figures_are_marked_as_leaky() -> None:
    sections = [Section("one", "One", Html("1"), figures=True), Section("two", "Two", Html("2"))]

    leaky, honest = page("t", "u", sections, ["it saw them", ""]), page("t", "u", sections, [""])

    assert '<h2>One <span class="leaky">LEAKY</span></h2>' in leaky
    assert "<h2>Two</h2>" in leaky
    assert "These figures are too good: it saw them." in leaky
    assert "LEAKY" not in honest


def test_nothing_is_said_to_be_nothing() -> None:
    assert "None." in items([])
