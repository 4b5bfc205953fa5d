"""Bars and intervals as SVG of our own, in the colours of the page around them; no library draws them."""

from collections.abc import Mapping, Sequence

from senoscope.evidence.audit.shortcuts import Light, Shortcut
from senoscope.evidence.report.markup import Html, markup

WIDTH, LABEL, VALUE, ROW = 640, 210, 120, 24
"""Width of a drawing, of its labels and of its figures, and height of a row, in SVG units."""

COLOURS: dict[Light, str] = {
    "red": "var(--alarm-bar)",
    "amber": "var(--second)",
    "green": "var(--fourth)",
    "grey": "var(--soft)",
}


def bars(shares: Mapping[str, tuple[float, str]], title: str) -> Html:
    """Horizontal bars: for each label a share from 0 to 1 and what to write beside it."""
    room = WIDTH - LABEL - VALUE
    lines = []
    for number, (label, (share, figure)) in enumerate(shares.items()):
        y = number * ROW
        long = max(0.0, min(1.0, share)) * room
        lines.append(
            f'{_text(LABEL - 8, y, label, "end")}<rect x="{LABEL}" y="{y + 6}" width="{long:.1f}" height="12" rx="2" '
            f'fill="var(--accent)"/>{_text(LABEL + long + 8, y, figure)}'
        )
    return _drawing(lines, len(shares) * ROW, title)


def intervals(rows: Sequence[Shortcut], title: str) -> Html:
    """ROC AUC of facts as dots with whiskers from 0 to 1, a line at 0.5, coloured by their lights."""
    lines = [
        f'<line x1="{_at(0.5):.1f}" y1="0" x2="{_at(0.5):.1f}" y2="{len(rows) * ROW}" stroke="var(--soft)" '
        'stroke-dasharray="3 3"/>'
    ]
    for number, row in enumerate(rows):
        y = number * ROW
        colour, figure = COLOURS[row.light], f"{row.auc.value:.2f} ({row.auc.low:.2f}–{row.auc.high:.2f})"
        lines.append(
            f"{_text(LABEL - 8, y, row.title, 'end')}"
            f'<line x1="{_at(row.auc.low):.1f}" y1="{y + 12}" x2="{_at(row.auc.high):.1f}" y2="{y + 12}" '
            f'stroke="{colour}" stroke-width="2"/><circle cx="{_at(row.auc.value):.1f}" cy="{y + 12}" r="4" '
            f'fill="{colour}"/>{_text(WIDTH - VALUE + 12, y, figure)}'
        )
    axis = len(rows) * ROW
    lines += [_text(_at(mark), axis, f"{mark:g}", "middle") for mark in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return _drawing(lines, axis + ROW, title)


def _at(auc: float) -> float:
    return LABEL + auc * (WIDTH - LABEL - VALUE)


def _text(x: float, y: int, text: str, anchor: str = "start") -> str:
    shown = text if len(text) <= 32 else f"{text[:31]}…"
    return f'<text x="{x:.1f}" y="{y + 16}" text-anchor="{anchor}">{markup(shown)}</text>'


def _drawing(lines: Sequence[str], height: int, title: str) -> Html:
    inside = "\n".join(lines)
    return Html(
        f'<figure class="chart"><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{markup(title)}" '
        f'font-size="13" fill="currentColor">\n{inside}\n</svg></figure>'
    )
