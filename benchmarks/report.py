"""docs/benchmarks.md and its picture, from the rows; the same rows give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.measure import Row

PEERS = ("`gto", "MLflow", "`check-jsonschema`", "`git fast-import`")
"""Whose lines are drawn beside modelreg's."""

_INTRODUCTION = """\
# Benchmarks

Made by `python -m benchmarks`. Every line compares two works that were done in turn in the same run (a peer's library
in a process of its own: one after the other). Times are medians; the ratio is the median of the pairs' ratios, so
that what else the machine did meets both. The registries have ten versions a model, a commit and a tag a version,
manifests as `register` writes them. Peers run in environments of their own, which uv makes.

```bash
python -m benchmarks                       # every group that has no figures yet, then this page: about 25 minutes
python -m benchmarks --only races,search   # these groups anew, the other figures as they were
python -m benchmarks --page                # nothing is measured: the page again, from the figures that are there
python -m benchmarks --full                # also what takes minutes an operation: GTO at 10,000, all of 100,000
python -m benchmarks --quick               # half a minute, small, without peers, nothing written: as the tests do
```

Figures are kept as JSON lines, a file a group, in the work folder (`build/benchmarks`, or `--work DIR`), with the
registries and the peers: a run that was stopped goes on where it was. What stands under the first heading of the second
level is written by people and stays.

This run: {machine}; peers: {peers}.

![cost against size](benchmarks.svg)
"""


def markdown(groups: Mapping[str, Sequence[Row]], machine: str, peers: Mapping[str, str]) -> str:
    """The page: a table for each group (what is said of it, and its rows)."""
    known = ", ".join(f"{name} {version}" for name, version in peers.items()) or "none"
    lines = [_INTRODUCTION.format(machine=machine, peers=known)]
    for about, rows in groups.items():
        lines.append(f"### {about[:1].upper()}{about[1:]}\n")
        lines.append("| work | versions | measured | against | measured | compared | to reach | |")
        lines.append("|---|--:|--:|---|--:|--:|--:|---|")
        lines += [f"| {' | '.join(cells(row))} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def cells(row: Row) -> tuple[str, ...]:
    """A row in words, from the work to whether its goal is reached."""
    size = f"{row.versions:,}" if row.versions else ""
    against = shown(row.against_figure, row.unit) if row.against_figure is not None else ""
    value = row.figure if row.compared is None else row.compared
    compared = "" if row.compared is None else f"{value:.2f}" if row.how == "ratio" else _signed(row, value)
    goal, met = "", ""
    if row.goal is not None:
        goal = f"≤ {row.goal:.3g}" if row.how == "ratio" else f"≤ {_signed(row, row.goal)}"
        met = "reached" if value <= row.goal else f"missed by {value / row.goal:.2f}"
    return row.work, size, shown(row.figure, row.unit), row.against, against, compared, goal, met


def _signed(row: Row, value: float) -> str:
    sign = "+" if row.how == "more" and value >= 0 else "−" if value < 0 else ""
    return sign + shown(abs(value), row.unit)


def shown(figure: float, unit: str = "s") -> str:
    """Three digits and a unit."""
    if unit == "s" and figure < 1:
        figure, unit = figure * 1e3, "ms"
    digits = max(0, 2 - math.floor(math.log10(figure))) if figure > 0 else 0
    return f"{figure:.{digits}f} {unit}"


def points(rows: Iterable[Row]) -> dict[str, dict[int, float]]:
    """Seconds by size for every work that was measured at more than one; a peer's too."""
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.versions is None or row.unit != "s":
            continue
        found.setdefault(row.work, {}).setdefault(row.versions, row.figure)
        if row.against_figure is not None and row.against.startswith(PEERS):
            found.setdefault(row.against, {}).setdefault(row.versions, row.against_figure)
    return {name: by_size for name, by_size in found.items() if len(by_size) > 1}


_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 1000, 520, 70, 20, 370, 50
_FONT = 'font-family="sans-serif" font-size="12"'
_COLOURS = (
    "#1b6ca8",
    "#d1495b",
    "#2e933c",
    "#8f5db7",
    "#c77d00",
    "#00828a",
    "#7a7a7a",
    "#a23e48",
    "#4059ad",
    "#5a7d2a",
)


def svg(lines: Mapping[str, Mapping[int, float]]) -> str:
    """Cost against size, both axes logarithmic; a line for a work."""
    sizes = sorted({size for by_size in lines.values() for size in by_size})
    times = [seconds for by_size in lines.values() for seconds in by_size.values()]
    if not sizes or len(sizes) < 2:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>\n'
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    left, right = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: float) -> float:
        return _LEFT + (math.log10(size) - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT)

    def y(seconds: float) -> float:
        return _TOP + (high - math.log10(seconds)) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for power in range(low, high + 1):
        at, label = y(10.0**power), f"{10**power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms"
        out.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>')
        out.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    under = f'y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle"'
    out += [f'<text x="{x(size):.1f}" {under}>{size:,}</text>' for size in sizes]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    out.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">versions in the registry</text>')
    last = sorted(lines, key=lambda name: (-lines[name][max(lines[name])], name))
    places = _apart([y(lines[name][max(lines[name])]) for name in last])
    for number, name in enumerate(last):
        colour, by_size = _COLOURS[number % len(_COLOURS)], lines[name]
        path = "L".join(f"{x(size):.1f} {y(by_size[size]):.1f}" for size in sorted(by_size))
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [
            f'<circle cx="{x(size):.1f}" cy="{y(by_size[size]):.1f}" r="3" fill="{colour}"/>'
            for size in sorted(by_size)
        ]
        text = name.replace("`", "").replace("&", "&amp;").replace("<", "&lt;")
        out.append(f'<text x="{_WIDTH - _RIGHT + 12}" y="{places[number] + 4:.1f}" fill="{colour}">{text}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _apart(places: Sequence[float], gap: float = 15.0) -> list[float]:
    """Places from top to bottom, no two closer than `gap`."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + gap) if found else place)
    return found
