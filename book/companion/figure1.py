"""The paper's Figure 1 as vector graphics, drawn from sections 2.1, 2.2 and A.1 (the picture itself is not copied).

Panel a shows the four networks and their losses, panel b what happens inside D_cgan. What is drawn where stands in
the lists, in units of the view box. Text and lines take the page's text colour, so the figure follows its theme.
"""

import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 860, 858
PREFIX = "adcgan-figure1"  # an inline sheet is global to its page, and the page's rules reach the figure
WORDS, SYMBOLS, SUBSCRIPTS = 13, 18, 13.5  # font sizes; in a column of 750 px the smallest is 11 px
GAP = 3  # between an arrow's tip and the box it points to

# Okabe and Ito's colour-blind safe hues that keep 3:1 on white and on #121212 alike (purple darkened for that).
HUES = {"encoder": "#0072B2", "generator": "#009E73", "critic": "#D55E00", "pairs": "#B8659A"}

DESCRIPTION = """Panel a: x is encoded to E(x) and decoded to G(E(x)); L_AE compares the two images. The same G, with
shared weights, turns z, drawn from P_z, into G(z). D_cgan sees x as real and G(z) as fake, for L_adv and L_cgan. D_z
judges the pairs (z, z) and (z, E(x)), for L_dz. Tags mark where the score's components L_GR, L_GD, L_FE and L_FL are
read. Panel b: convolution layers turn an image into the local map C_psi(x) of M by M locations, the last layers turn
that into the global vector E_psi(x), and from this come the logit C(x), for L_adv, and phi_theta(E_psi(x)). For L_cgan
the latter is paired with location i of the same image as the positive, and with all locations of all images of the
batch, its own among them, in the denominator: equation 1 as printed."""


@dataclass(frozen=True)
class Box:
    """A drawn thing: centre, size, kind, and what is written on it (| parts the lines of ``note``)."""

    x: float
    y: float
    w: float
    h: float
    kind: str  # network, image, latent, loss, tag or cells
    label: str = ""
    note: str = ""  # below the label; of an image, below the box
    hue: str = ""
    tag: str = ""  # the component of the score that is read here

    def at(self, side: str) -> tuple[float, float]:
        """The middle of a side."""
        dx, dy = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}[side]
        return self.x + dx * self.w / 2, self.y + dy * self.h / 2


A, Z, LANE = 126, 338, 52  # panel a's rows: the autoencoder, the generator, x's way to L_AE and D_cgan
PAIRS = (A + Z) / 2
LOGIT, MAIN, POSITIVE, NEGATIVE = 490, 570, 648, 726  # panel b's rows
FRAME = (12, 434, 848, 786)  # panel b's left, top, right, bottom
CELL = 16  # side of a location in a local map, and of an entry in a vector

BOXES = {
    # Panel a. The keys are those of `figure1`'s links.
    "x": Box(48, A, 44, 44, "image", "$x$", "normal|images"),
    "E": Box(140, A, 72, 88, "network", "$E$", "encoder", "encoder", "$L_{FE}$"),
    "E(x)": Box(240, A, 64, 38, "latent", "$E(x)$"),
    "G": Box(364, PAIRS, 88, Z - A + 88, "network", "$G$", "shared|weights", "generator"),
    "G(E(x))": Box(490, A, 84, 44, "image", "$G(E(x))$", "reconstruction"),
    "L_AE": Box(600, A, 70, 50, "loss", "$L_{AE}$", "sec. 2.1", "encoder"),
    "L_GR": Box(600, A + 42, 46, 25, "tag", "$L_{GR}$"),
    "z": Box(240, Z, 84, 38, "latent", "$z ∼ P_{z}$"),
    "G(z)": Box(490, Z, 84, 44, "image", "$G(z)$", "generated image"),
    "D_cgan": Box(690, Z, 92, 122, "network", "$D_{cgan}$", "critic", "critic", "$L_{GD}$"),
    "L_adv": Box(800, Z - 34, 70, 50, "loss", "$L_{adv}$", "eq. 6", "critic"),
    "L_cgan": Box(800, Z + 34, 70, 50, "loss", "$L_{cgan}$", "eq. 1", "critic"),
    "(z, E(x))": Box(240, PAIRS - 26, 84, 36, "latent", "$(z, E(x))$"),
    "(z, z)": Box(240, PAIRS + 26, 84, 36, "latent", "$(z, z)$"),
    "D_z": Box(140, PAIRS, 72, 90, "network", "$D_{z}$", "", "pairs", "$L_{FL}$"),
    "L_dz": Box(48, PAIRS, 62, 50, "loss", "$L_{dz}$", "eq. 3", "pairs"),
    # Panel b.
    "x b": Box(64, MAIN, 44, 44, "image", "$x$", "real or fake"),
    "convolutions": Box(160, MAIN, 90, 72, "network", "", "convolution|layers", "critic"),
    "C_psi": Box(276, MAIN, 4 * CELL, 4 * CELL, "cells", hue="critic"),
    "f_D": Box(306, MAIN - 52, 46, 25, "tag", "$L_{GD}$"),
    "last": Box(384, MAIN, 72, 72, "network", "", "last|layers", "critic"),
    "E_psi": Box(480, MAIN, CELL, 5 * CELL, "cells", hue="critic"),
    "head": Box(580, LOGIT, 72, 50, "network", "", "linear|layers", "critic"),
    "C": Box(690, LOGIT, 60, 38, "latent", "$C(x)$"),
    "L_adv b": Box(800, LOGIT, 70, 50, "loss", "$L_{adv}$", "eq. 6", "critic"),
    "phi": Box(580, MAIN, 72, 50, "network", "$φ_{θ}$", "", "critic"),
    "phi E": Box(690, MAIN, CELL, 5 * CELL, "cells", hue="critic"),
    "g": Box(690, (POSITIVE + NEGATIVE) / 2, 100, 114, "network", "$g_{θ}$", "contrastive|pairing", "critic"),
    "L_cgan b": Box(800, (POSITIVE + NEGATIVE) / 2, 70, 50, "loss", "$L_{cgan}$", "eq. 1", "critic"),
    "C_psi'": Box(276, NEGATIVE, 4 * CELL, 4 * CELL, "cells", hue="critic"),
    "i": Box(276 + 1.5 * CELL, MAIN + 1.5 * CELL, CELL, CELL, "chosen", "$i$", hue="critic"),  # one cell of C_psi
}

# Straight arrows from each box to the next, level or upright; first their style.
CHAINS = [
    ("", "x", "E", "E(x)", "G", "G(E(x))", "L_AE"),
    ("", "z", "G", "G(z)", "D_cgan", "L_adv"),
    ("", "D_cgan", "L_cgan"),
    ("", "E(x)", "(z, E(x))", "D_z", "L_dz"),
    ("", "z", "(z, z)", "D_z"),
    ("", "x b", "convolutions", "C_psi", "last", "E_psi", "phi", "phi E", "g", "L_cgan b"),
    ("", "head", "C", "L_adv b"),
]
# Arrows with corners: style, then points. A branch starts with a dot on another arrow.
ROUTES = [
    ("", BOXES["x"].at("top"), (48, LANE), (690, LANE), BOXES["D_cgan"].at("top")),
    ("branch", (600, LANE), BOXES["L_AE"].at("top")),
    ("branch", (301, Z), (301, PAIRS - 26), BOXES["(z, E(x))"].at("right")),
    ("", BOXES["convolutions"].at("bottom"), (160, NEGATIVE), BOXES["C_psi'"].at("left")),
    ("", BOXES["E_psi"].at("top"), (480, LOGIT), BOXES["head"].at("left")),
    ("positive", BOXES["i"].at("bottom"), (BOXES["i"].x, POSITIVE), (640, POSITIVE)),
    ("negative", (276 + 2 * CELL + 10, NEGATIVE), (640, NEGATIVE)),
]
# Two more maps behind C_psi', as what shows of their edges.
BEHIND = [f"M{276 - 2 * CELL + d} {NEGATIVE - 2 * CELL - d + 5}v-5h{4 * CELL}v{4 * CELL}h-5" for d in (5, 10)]

# (x, y of the middle, text, anchor); $...$ is mathematics.
NOTES = [
    (12, 18, "a", "start", "panel"), (28, 18, "AD-CGAN", "start"),
    (26, FRAME[1] + 20, "b", "start", "panel"), (42, FRAME[1] + 20, "inside $D_{cgan}$", "start"),
    (364, A, "decoder"), (364, Z, "generator"),
    (588, Z - 12, "fake"), (700, Z - 86, "real", "start"),
    (250, MAIN - 52, "$C_{ψ}(x)$"), (264, MAIN + 47, "$M × M$"),
    (470, MAIN - 52, "$E_{ψ}(x)$", "end"), (706, MAIN, "$φ_{θ}(E_{ψ}(x))$", "start"),
    (148, NEGATIVE - 8, "all images", "end"), (148, NEGATIVE + 8, "of the batch", "end"),
    (264, NEGATIVE - 60, "$C_{ψ}(x′)$"),
    (336, POSITIVE - 12, "positive: location $i$ of the same image", "start"),
    (336, NEGATIVE - 12, "against: all locations of all images", "start"),
]  # fmt: skip

LEGEND = [  # two rows of (kind, hue, meaning)
    ("network", "encoder", "encoder (autoencoder)"), ("network", "generator", "generator and decoder"),
    ("network", "critic", "contrastive discriminator"), ("network", "pairs", "latent discriminator"),
    ("image", "", "image"), ("latent", "", "latent, pair or logit"), ("loss", "critic", "loss in training"),
    ("tag", "", "part of the score (eqs. 4–5)"),
]  # fmt: skip

STYLE = f"""
& text, & .tip {{ fill: currentColor; font: {WORDS}px system-ui, "Helvetica Neue", Arial, sans-serif; }}
& .math {{ font-family: "STIX Two Text", "Latin Modern Roman", Cambria, "Times New Roman", serif; }}
& text {{ pointer-events: none; }} & .italic {{ font-style: italic; }} & .panel {{ font-weight: bold; }}
& .network, & .loss {{ fill-opacity: 0.18; stroke-width: 1.5; }}
& .image, & .latent, & .tag, & .arrow {{ fill: none; stroke: currentColor; stroke-width: 1.2; }}
& .tag {{ stroke-dasharray: 2.5 2; stroke-width: 1; }}
& .cells {{ fill-opacity: 0.1; stroke-width: 1; }} & .chosen {{ fill-opacity: 0.45; stroke-width: 2; }}
& .zoom {{ fill-opacity: 0.05; stroke-opacity: 0.5; stroke-dasharray: 2 3; }}
& .positive {{ stroke-width: 2.2; }} & .negative {{ stroke-width: 1.8; stroke-dasharray: 7 4; }}
& a {{ color: inherit; text-decoration: none; outline-offset: 2px; }} & a rect {{ pointer-events: all; }}
& a:hover rect {{ fill-opacity: 0.36; }} & a:hover .tag {{ stroke-width: 2.5; }}
& a:focus-visible rect {{ stroke: currentColor; stroke-width: 4; stroke-dasharray: none; }}
""" + "".join(f"& .{hue} {{ fill: {colour}; stroke: {colour}; }}\n" for hue, colour in HUES.items())


def _symbols(source, size):
    """Mathematics as tspans: single letters italic, words and signs upright, ``_{...}`` lowered."""
    spans, low = [], 0
    for sub, plain in re.findall(r"_\{(.*?)\}|([^_]+)", source):
        depth, font = (4, SUBSCRIPTS) if sub else (0, size)
        for run in re.findall(r"[^\W\d]+|[\W\d]+", sub or plain):
            style = "math italic" if len(run) == 1 and run.isalpha() else "math"
            place = f'dy="{depth - low}" style="font-size:{font}px"'  # as an attribute the size would lose to the sheet
            spans.append(f'<tspan class="{style}" {place}>{escape(run)}</tspan>')
            low = depth
    return "".join(spans)


def _text(x, y, markup, anchor="middle", style="words"):
    """Words with $mathematics$, their middle at height ``y``."""
    size = SYMBOLS if markup[0] == "$" else WORDS + 2  # serif letters look smaller than the words around them
    inner = "".join(_symbols(part, size) if i % 2 else escape(part) for i, part in enumerate(markup.split("$")))
    return f'<text x="{x:g}" y="{y + 0.3 * size:.1f}" text-anchor="{anchor}" class="{style}">{inner}</text>'


def _box(box):
    """A box with the lines written on it, stacked about its middle, or its cells."""
    (left, y), (x, top), w, h = box.at("left"), box.at("top"), box.w, box.h
    look = f'class="{box.kind} {box.hue}"'
    radius = {"network": 6, "tag": 4, "latent": h / 2, "loss": h / 2}.get(box.kind, 0)
    drawn = [f'<rect x="{left:g}" y="{top:g}" width="{w:g}" height="{h:g}" rx="{radius:g}" {look}/>']
    if box.kind == "cells":
        lines = [f"M{left + i:g} {top:g}v{h}" for i in range(CELL, w, CELL)]
        lines += [f"M{left:g} {top + i:g}h{w}" for i in range(CELL, h, CELL)]
        drawn.append(f'<path d="{"".join(lines)}" {look}/>')
    lines = [(line, 22 if "$" in line else 15) for line in (box.label, *box.note.split("|")) if line]
    within = lines[:1] if box.kind == "image" else lines
    y -= sum(height for _, height in within) / 2 + 12 * bool(box.tag)
    for i, (line, height) in enumerate(lines):
        if i == len(within):
            y = top + h + 6
        drawn.append(_text(x, y + height / 2, line))
        y += height
    return "".join(drawn)


def _tag(box):
    """The tag at the foot of a box, as a box."""
    x, bottom = box.at("bottom")
    return Box(x, bottom - 19, 46, 25, "tag", box.tag)


def _drawn(links):
    """Every box and the tag on it, by name; those in ``links`` as links."""
    for name, box in BOXES.items():
        yield _link(_box(box), links.get(name))
        if box.tag:
            yield _link(_box(_tag(box)), links.get(re.sub("[${}]", "", box.tag)))


def _link(drawn, link):
    if link is None:
        return drawn
    address, name = link
    return f'<a href="{escape(address)}"><title>{escape(name)}</title>{drawn}</a>'


def _straight(a, b):
    """Two points: from the edge of box ``a`` to that of ``b``, at the middle of the smaller of the two."""
    level = abs(a.x - b.x) >= (a.w + b.w) / 2
    smaller = min(a, b, key=lambda box: box.h if level else box.w)
    ahead = a.x < b.x if level else a.y < b.y
    sides = ("left", "right") if level else ("top", "bottom")
    ends = a.at(sides[ahead]), b.at(sides[not ahead])
    return [(x, smaller.y) if level else (smaller.x, y) for x, y in ends]


def arrows() -> list[tuple[str, list[tuple[float, float]]]]:
    """Every arrow of CHAINS and ROUTES: its style and its corners as points."""
    straight = [(style, _straight(BOXES[a], BOXES[b])) for style, *chain in CHAINS for a, b in pairwise(chain)]
    return straight + [(style, points) for style, *points in ROUTES]


def _arrow(style, points):
    *start, (x, y) = points
    dx, dy = x - start[-1][0], y - start[-1][1]  # one of them is 0
    tip = (x - GAP * dx / abs(dx or 1), y - GAP * dy / abs(dy or 1))
    path = "L".join(f"{px:g} {py:g}" for px, py in (*start, tip))
    dot = f'<circle cx="{start[0][0]:g}" cy="{start[0][1]:g}" r="2.6" class="tip"/>' if style == "branch" else ""
    return f'<path d="M{path}" class="arrow {style}" marker-end="url(#{PREFIX}-tip)"/>{dot}'


def figure1(links: dict[str, tuple[str, str]] | None = None) -> str:
    """Figure 1 as one <svg> element to put into a page. Source: sections 2.1, 2.2 and A.1, equations 1-6.

    ``links`` maps names of `BOXES`, and of tags on them such as L_FE, to an address and what is there: they become
    links, which a keyboard reaches in the order of `BOXES`.
    """
    left, top, right, bottom = FRAME
    (x0, _), (x1, _), (_, y) = (BOXES["D_cgan"].at(side) for side in ("left", "right", "bottom"))
    body = [
        f'<path d="M{x0:g} {y:g}L{left} {top}V{bottom}H{right}V{top}L{x1:g} {y:g}" class="zoom critic"/>',
        *(_arrow(*arrow) for arrow in arrows()),
        *(f'<path d="{edges}" class="cells critic" style="fill:none"/>' for edges in BEHIND),
        *_drawn(links or {}),
        *(_text(*note) for note in NOTES),
    ]
    for i, (kind, hue, meaning) in enumerate(LEGEND):
        x, y = (26, 222, 418, 642)[i % 4], bottom + 26 + 26 * (i // 4)
        body += [_box(Box(x, y, 26, 16, kind, hue=hue)), _text(x + 22, y, meaning, "start")]
    role = "group" if links else "img"  # an image hides what is inside it, links too, from screen readers
    # Names such as math and image mean something to the page's own rules and scripts: ours are told apart.
    body = re.sub(r'(?<=class=")[^"]+', lambda m: " ".join(f"f1-{name}" for name in m[0].split()), "\n".join(body))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" id="{PREFIX}" role="{role}" width="100%"
 viewBox="0 0 {WIDTH} {HEIGHT}" aria-labelledby="{PREFIX}-title" aria-describedby="{PREFIX}-desc">
<title id="{PREFIX}-title">Figure 1: AD-CGAN and its discriminator</title>
<desc id="{PREFIX}-desc">{DESCRIPTION}</desc>
<style>{STYLE.replace(" .", " .f1-").replace("&", "#" + PREFIX)}</style>
<defs><marker id="{PREFIX}-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"
 markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.8L8 4L0 7.2z" class="f1-tip"/></marker></defs>
{body}
</svg>
"""
