"""The one error a user is meant to read, and what any text must become to be one line of it."""


class AdcganError(ValueError):
    """Something the user can mend: one line that says what, where, what was expected, and the remedy."""

    def __init__(self, message: str):
        super().__init__(printable(message))


# What a run's work may raise unforeseen: torch's out of memory and much else, a number too large, a full disk.
UNFORESEEN = (RuntimeError, ValueError, OverflowError, KeyError, OSError, MemoryError)


def one_line(error: Exception) -> str:
    """An unforeseen error in one line."""
    lines = str(error).splitlines() or [""]
    return printable(f"{type(error).__name__}: {lines[0]}")


def printable(text: str) -> str:
    """Text as one line that every terminal takes: line breaks and bytes that are not UTF-8, escaped."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter):
    if "\udc80" <= letter <= "\udcff":  # how Python keeps a byte of a path that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def choose(kind: str, name: object, known) -> None:
    """Refuse ``name`` unless it is one of ``known``; ``kind`` says what it names."""
    known = list(known)
    if name not in known:
        raise AdcganError(f"unknown {kind} {name!r}: expected one of {', '.join(map(str, known))}")
