"""An error is one line whatever is named in it."""

import os

import pytest

from adcgan.errors import AdcganError, one_line, printable


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), (os.fsdecode(b"caf\xe9"), "caf\\xe9"), ("\ud800", "\\ud800"),
     ("caf\u00e9 \u96ea", "caf\u00e9 \u96ea")],
)  # fmt: skip
def test_an_error_is_one_line_that_can_be_printed_whatever_it_names(text, line):
    assert printable(text) == str(AdcganError(text)) == line and printable(line) == line
    assert one_line(ValueError(f"{text}\nmore")).startswith("ValueError: ")
    assert one_line(OSError("\x1b")) == "OSError: \\x1b"
