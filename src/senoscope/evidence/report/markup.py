"""Pieces of a page that stands alone; everything that comes from data is escaped here and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from senoscope.core.domain.bundle import Interval

LEAKY = '<span class="leaky">LEAKY</span>'


class Html(str):
    """Text that is markup already; everything else is escaped when it is laid into a page."""

    __slots__ = ()


Cell = str | Interval | None
"""Text, a figure with its interval, or nothing: a figure that is undefined."""


@dataclass(frozen=True)
class Section:
    """A part of a page that the list of contents leads to.

    Args:
        name: its place in the address, unique on the page.
        title: its heading.
        body: what stands below.
        figures: whether it shows figures, which a leak marks.
    """

    name: str
    title: str
    body: Html
    figures: bool = False


def markup(text: str) -> Html:
    """Return text as it is where it is markup, escaped where it is not."""
    return text if isinstance(text, Html) else Html(escape(text))


def cell(value: Cell) -> Html:
    """One figure with its interval, or text."""
    if value is None:
        return Html('<span class="range">undefined</span>')
    if isinstance(value, Interval):
        # A dash before a minus cannot be read.
        to = " to " if value.low < 0 else "–"
        return Html(f'{value.value:.3f} <span class="range">({value.low:.3f}{to}{value.high:.3f})</span>')
    return markup(value)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], kind: str = "") -> Html:
    """A table whose rows begin with their heading; without a head where that is empty."""
    top = "".join(f'<th scope="col">{markup(name)}</th>' for name in head)
    lines = [
        f'<tr><th scope="row">{cell(row[0])}</th>{"".join(f"<td>{cell(value)}</td>" for value in row[1:])}</tr>'
        for row in rows
    ]
    shown = f"<thead><tr>{top}</tr></thead>\n" if head else ""
    body = "\n".join(lines)
    mark = f' class="{kind}"' if kind else ""
    return Html(f'<div class="wide"><table{mark}>\n{shown}<tbody>\n{body}\n</tbody></table></div>')


def items(texts: Iterable[str]) -> Html:
    """A list; "None." where there is nothing."""
    lines = "\n".join(f"<li>{markup(text)}</li>" for text in texts)
    return Html(f"<ul>\n{lines or '<li>None.</li>'}\n</ul>")


def words(text: str) -> Html:
    """A paragraph in the softer colour."""
    return Html(f'<p class="soft">{markup(text)}</p>')


def plots(drawn: Mapping[str, str], captions: Mapping[str, str]) -> Html:
    """Drawings side by side, each with its caption."""
    shown = (f"<figure>{drawing}<figcaption>{captions[name]}</figcaption></figure>" for name, drawing in drawn.items())
    return Html('<div class="plots">\n' + "\n".join(shown) + "\n</div>")


def folded(summary: str, body: Html) -> Html:
    """Something that opens when it is asked for."""
    return Html(f"<details><summary>{markup(summary)}</summary>\n{body}\n</details>")


def joined(*parts: str) -> Html:
    """Several pieces one below the other."""
    return Html("\n".join(markup(part) for part in parts if part))


def banner(leaks: Iterable[str]) -> Html:
    """Say in red why figures are too good to be believed; nothing where none leaks."""
    lines = [f"<p><strong>LEAKY</strong> These figures are too good: {escape(leak)}.</p>" for leak in leaks if leak]
    return Html(f'<div class="banner" role="alert">{"".join(lines)}</div>') if lines else Html("")


def page(title: str, under: str, sections: Sequence[Section], leaks: Sequence[str] = ()) -> str:
    """Write a page that needs nothing beside itself, with a list of contents.

    Args:
        title: heading.
        under: the line below it.
        sections: what it holds, in order.
        leaks: why figures on it are too good, if they are; every section with figures is marked then.
    """
    leaky = any(leaks)
    parts = [
        f'<section id="{section.name}">\n<h2>{markup(section.title)}{" " + LEAKY if leaky and section.figures else ""}'
        f"</h2>\n{section.body}\n</section>"
        for section in sections
    ]
    links = "\n".join(f'<li><a href="#{section.name}">{markup(section.title)}</a></li>' for section in sections)
    return Template(files("senoscope.evidence.report").joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(title), under=markup(under), banner=banner(leaks), contents=links, sections="\n".join(parts)
    )
