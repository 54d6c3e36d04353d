"""How cost grows, as an SVG: three log-log panels beside each other, on any background."""

import math
from html import escape

WIDTH, HEIGHT = 1000, 372
PANEL = {"width": 250, "height": 220, "top": 84, "gap": 76, "left": 62}
# Readable on white and on black.
COLOURS = ("#2f81f7", "#d9730d", "#2da44e", "#a371f7")
STYLE = """\
  text { font: 12px system-ui, sans-serif; fill: #6e7781; }
  .title { font-weight: 600; font-size: 13px; }
  .grid { stroke: #808890; stroke-opacity: 0.25; }
  .linear { stroke: #808890; stroke-dasharray: 3 4; fill: none; }
  .line { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) { text { fill: #9aa4ae; } }"""


class Scale:
    """A value's place between two ends, by its logarithm."""

    def __init__(self, low, high, start, end):
        self.low, self.span, self.start, self.length = math.log10(low), math.log10(high / low) or 1, start, end - start

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / self.span * self.length


def short(value):
    """1000 as 1k, 0.1 as 0.1."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def draw(panels):
    """`panels`: (title, [(name, [(entities, value)])]); the whole document."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             'aria-label="How cost grows with the number of entities">', f"<style>\n{STYLE}\n</style>"]
    for number, (title, series) in enumerate(panels):
        left = PANEL["left"] + number * (PANEL["width"] + PANEL["gap"])
        parts += _panel(left, title, [(name, sorted(points)) for name, points in series if points])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(left, title, series):
    top, bottom, right = PANEL["top"], PANEL["top"] + PANEL["height"], left + PANEL["width"]
    if not series:
        return []
    sizes = sorted({size for _, points in series for size, _ in points})
    values = [value for _, points in series for _, value in points]
    lowest, highest = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values) * 1.01))
    across = Scale(sizes[0], sizes[-1] if len(sizes) > 1 else sizes[0] * 10, left, right)
    up = Scale(lowest, highest, bottom, top)
    parts = [f'<text class="title" x="{left}" y="20">{escape(title)}</text>']
    for size in sizes:
        parts += [f'<line class="grid" x1="{across(size):.1f}" y1="{top}" x2="{across(size):.1f}" y2="{bottom}"/>',
                  f'<text x="{across(size):.1f}" y="{bottom + 18}" text-anchor="middle">{short(size)}</text>']
    for power in range(round(math.log10(lowest)), round(math.log10(highest)) + 1):
        value, y = 10 ** power, up(10 ** power)
        parts += [f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>',
                  f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>']
    parts += _linear(series, sizes, lowest, highest, across, up)
    for number, (name, points) in enumerate(series):
        colour, row = COLOURS[number % len(COLOURS)], 40 + 16 * number
        path = " ".join(f"{across(size):.1f},{up(value):.1f}" for size, value in points)
        parts.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        parts += [f'<circle cx="{across(size):.1f}" cy="{up(value):.1f}" r="3" fill="{colour}"><title>{escape(name)}, '
                  f'{short(size)}: {value:,.3g}</title></circle>' for size, value in points]
        parts += [f'<line class="line" stroke="{colour}" x1="{left}" y1="{row - 4}" x2="{left + 18}" y2="{row - 4}"/>',
                  f'<text x="{left + 24}" y="{row}">{escape(name)}</text>']
    foot = f'<text x="{(left + right) / 2:.0f}" y="{bottom + 38}" text-anchor="middle">entities (dashed: linear)</text>'
    return [*parts, foot]


def _linear(series, sizes, lowest, highest, across, up):
    """What the first series would be if it grew in proportion from its first point, inside the panel."""
    (first, value), last = series[0][1][0], sizes[-1]
    end = min(last, first * highest / value)
    if end <= first or value < lowest:
        return []
    return [f'<line class="linear" x1="{across(first):.1f}" y1="{up(value):.1f}" x2="{across(end):.1f}" '
            f'y2="{up(value * end / first):.1f}"/>']
