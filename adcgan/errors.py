"""The one error a user is meant to read."""


class AdcganError(ValueError):
    """Something the user can mend: one line that says what, where, what was expected, and the remedy."""


# What a run's work may raise unforeseen: torch's out of memory and much else, a number too large, a full disk.
UNFORESEEN = (RuntimeError, ValueError, OverflowError, KeyError, OSError, MemoryError)


def one_line(error: Exception) -> str:
    """An unforeseen error in one line."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def choose(kind: str, name: object, known) -> None:
    """Refuse ``name`` unless it is one of ``known``; ``kind`` says what it names."""
    known = list(known)
    if name not in known:
        raise AdcganError(f"unknown {kind} {name!r}: expected one of {', '.join(map(str, known))}")
