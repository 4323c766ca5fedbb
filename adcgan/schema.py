"""Checking JSON against a schema, in one line."""

from .errors import AdcganError


def check_schema(validator, content, path, name: str) -> None:
    """Raise AdcganError with the first place where ``content`` is not as the schema ``name`` says.

    ``validator`` is jsonschema's, or None where it is not installed: then nothing is checked.
    """
    errors = (
        sorted(validator.iter_errors(content), key=lambda error: list(map(str, error.absolute_path)))
        if validator
        else []
    )
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "top level"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise AdcganError(f"record {path}: {where}: {errors[0].message[:200]}{more}; expected {name}'s form")
