"""The one error a user is meant to read."""


class AdcganError(ValueError):
    """Something the user can mend: one line that says what, where, what was expected, and the remedy."""


def choose(kind: str, name: object, known) -> None:
    """Refuse ``name`` unless it is one of ``known``; ``kind`` says what it names."""
    known = [str(item) for item in known]
    if str(name) not in known:
        raise AdcganError(f"unknown {kind} {str(name)!r}: expected one of {', '.join(known)}")
