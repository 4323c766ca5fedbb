"""``python -m companion.readme``: put the measured figures into README.md, and the picture beside it.

A figure stands between marks, ``<!--name-->96.2<!--/-->``, which a reader of the page does not see.
"""

import re
import sys
from pathlib import Path

from . import figures
from .pages import result
from .records import load

MARK = re.compile(r"(<!--(\w+)-->).*?(<!--/-->)")
PICTURE = "book/_assets/result.svg"


def updated(text: str, values: dict[str, str]) -> str:
    """The text with today's ``values``. Raises KeyError for a mark that has none."""
    return MARK.sub(lambda mark: mark[1] + values[mark[2]] + mark[3], text)


def picture(records) -> str:
    """The opening page's picture at scale laptop, as an SVG file of its own."""
    return figures.standalone(figures.classes(result.classes(records, "laptop"), columns=2))


def main(root: Path) -> None:
    """Write both files under the repository's ``root``."""
    records = load(root / "runs")
    readme = root / "README.md"
    readme.write_text(updated(readme.read_text(), result.values(records)))
    (root / PICTURE).write_text(picture(records))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
