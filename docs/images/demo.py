#!/usr/bin/env python3
"""Draws demo.svg: the demo as a terminal shows it, from a real run.

    python3 docs/images/demo.py                 run the demo and write docs/images/demo.svg
    python3 docs/images/demo.py --still NAME    also write a still of the last screen, for a look without a browser

The demo runs in a pseudo-terminal, so that it prints its colors. The animation shows its lines in the order in which they
came, at a pace that can be read; the seconds at the left are those of the run. Needs Python 3.9 and nothing else.
"""

import argparse
import html
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 120, 34
FONT, LINE, CHAR = 13, 18, 7.8
MARGIN, BAR = 16, 34
# Seconds that a line, a step's heading and the end stay.
PACE, PAUSE, END = 0.13, 1.1, 6.0
# GitHub's dark palette, which reads well on light and dark pages.
BACKGROUND, BAR_COLOR, PLAIN = "#0d1117", "#161b22", "#c9d1d9"
COLORS = {"31": "#ff7b72", "32": "#7ee787", "36": "#79c0ff", "90": "#8b949e"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def run():
    """What the demo prints on a terminal, without what cargo says."""
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    cargo = ["cargo", "run", "--quiet", "--package", "local-cloud", "--", "demo"]
    master, slave = pty.openpty()
    demo = subprocess.Popen(cargo, cwd=ROOT, stdout=slave, stderr=subprocess.DEVNULL, env=environment)
    os.close(slave)
    output = read(master)
    if demo.wait() != 0:
        sys.exit(f"the demo ended with {demo.returncode}:\n{output}")
    return output


def read(master):
    """What a program writes to a pseudo-terminal until it ends."""
    output = b""
    while True:
        try:
            some = os.read(master, 1 << 16)
        except OSError:  # the end of a pseudo-terminal
            break
        if not some:
            break
        output += some
    return output.decode().replace("\r", "")


def spans(text):
    """The lines of a text with colors: each a list of (style, text)."""
    lines, style, bold = [[]], None, False
    for nth, part in enumerate(SGR.split(text)):
        if nth % 2 == 1:
            for code in part.split(";") if part else ["0"]:
                if code in ("", "0"):
                    style, bold = None, False
                elif code == "1":
                    bold = True
                elif code in COLORS:
                    style = code
            continue
        for count, piece in enumerate(part.split("\n")):
            if count:
                lines.append([])
            if piece:
                lines[-1].append(((style, bold), piece))
    return lines


def wrapped(line):
    """A line in pieces of at most COLUMNS, broken at spaces; what follows the first is indented as far as it is."""
    text = "".join(piece for _, piece in line)
    styles = [style for style, piece in line for _ in piece]
    indent = len(text) - len(text.lstrip())
    stamp = re.match(r" +\d+\.\d{3} s +", text)
    indent = min((stamp.end() if stamp else indent) + 2, COLUMNS // 2)
    pieces, start, room = [], 0, COLUMNS
    while len(text) - start > room:
        cut = text.rfind(" ", start, start + room + 1)
        cut = cut if cut > start + indent else start + room
        pieces.append((start, cut))
        start = cut + 1 if text[cut : cut + 1] == " " else cut
        room = COLUMNS - indent
    pieces.append((start, len(text)))
    for nth, (start, end) in enumerate(pieces):
        yield 0 if nth == 0 else indent, list(zip(text[start:end], styles[start:end]))


def row(y, indent, characters):
    """One row as an element of the picture."""
    out, at = [], 0
    while at < len(characters):
        style = characters[at][1]
        end = at
        while end < len(characters) and characters[end][1] == style:
            end += 1
        text = "".join(character for character, _ in characters[at:end])
        color, bold = style
        attributes = f' fill="{COLORS[color]}"' if color else ""
        attributes += ' font-weight="bold"' if bold else ""
        if text.strip():
            # A length for each piece: the columns meet whatever the reader's monospace font is.
            skipped = len(text) - len(text.lstrip())
            # Columns keep their spaces, whatever the reader does with several in a row.
            text = re.sub(r"(?<= ) | (?= )", "\u00a0", text.strip())
            x = MARGIN + (indent + at + skipped) * CHAR
            attributes += f' textLength="{len(text) * CHAR:.1f}" lengthAdjust="spacingAndGlyphs"'
            out.append(f'<text x="{x:.1f}" y="{y}"{attributes}>{html.escape(text, quote=False)}</text>')
        at = end
    return "".join(out)


def steps(name, offsets, total):
    """Keyframes, each of which holds until the next."""
    frames = [f"{100 * time / total:.2f}%{{transform:translateY({offset}px)}}" for time, offset in offsets]
    return f"@keyframes {name}{{{''.join(frames)}100%{{transform:translateY({offsets[-1][1]}px)}}}}"


def draw(rows, still, title="cargo demo", label="The demo of Flowkeeper in a terminal"):
    """The picture. A still one shows the last screen."""
    width, height = round(2 * MARGIN + COLUMNS * CHAR), BAR + 2 * MARGIN + ROWS * LINE
    time, cover, scroll = 0.0, [(0.0, 0)], [(0.0, 0)]
    for nth, (indent, characters) in enumerate(rows):
        text = "".join(character for character, _ in characters)
        time += PAUSE if re.match(r"\d\. ", text) and nth > 4 else PACE
        if nth < ROWS:
            cover.append((time, (nth + 1) * LINE))
        else:
            scroll.append((time, -(nth + 1 - ROWS) * LINE))
    total = time + END
    last = -(len(rows) - ROWS) * LINE
    style = (
        f"text{{font:{FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:{PLAIN};"
        "white-space:pre}"
    )
    # An attribute is weaker than the rule above, so each color is a rule of its own.
    style += "".join(f'text[fill="{color}"]{{fill:{color}}}' for color in COLORS.values())
    if not still:
        style += steps("scroll", scroll, total) + steps("cover", cover, total)
        style += (
            "@media (prefers-reduced-motion:no-preference){"
            f".scroll{{animation:scroll {total:.1f}s step-end infinite}}.cover{{animation:cover {total:.1f}s step-end infinite}}}}"
        )
    lines = "".join(row(nth * LINE + FONT, *line) for nth, line in enumerate(rows))
    screen = f'<g transform="translate(0 {last})">{lines}</g>' if still else f'<g class="scroll">{lines}</g>'
    # It begins below the screen, so a reader who sees no animation sees the first screen.
    covering = "" if still else (
        f'<g class="cover" transform="translate(0 {ROWS * LINE})">'
        f'<rect width="{width}" height="{ROWS * LINE}" fill="{BACKGROUND}"/></g>'
    )
    dots = "".join(f'<circle cx="{18 + 20 * n}" cy="17" r="6" fill="{c}"/>' for n, c in enumerate(["#ff5f57", "#febc2e", "#28c840"]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{label}">\n'
        f"<style>{style}</style>\n"
        f'<clipPath id="screen"><rect width="{width}" height="{ROWS * LINE}"/></clipPath>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>'
        f'<path d="M0 {BAR}V8a8 8 0 0 1 8-8H{width - 8}a8 8 0 0 1 8 8V{BAR}z" fill="{BAR_COLOR}"/>{dots}'
        f'<text x="{width / 2}" y="22" text-anchor="middle" fill="#8b949e">{title}</text>\n'
        f'<g transform="translate(0 {BAR + MARGIN})" clip-path="url(#screen)">\n{screen}{covering}</g>\n</svg>\n'
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--still", metavar="NAME", help="also write the last screen, without animation, to this file")
    arguments = arguments.parse_args()
    lines = spans(run())
    while lines and not lines[-1]:
        lines.pop()
    rows = [piece for line in lines for piece in wrapped(line)]
    (Path(__file__).parent / "demo.svg").write_text(draw(rows, still=False))
    if arguments.still:
        Path(arguments.still).write_text(draw(rows, still=True))


if __name__ == "__main__":
    main()
