"""Whether values of one schema can stand where those of another are wanted."""

from collections.abc import Iterable

from midwatch.runbook.cel.schema import Schema, is_closed, items_of, properties_of, type_of
from midwatch.runbook.cel.types import did_you_mean


def mismatch(have: Schema, want: Schema, path: str) -> str:
    """Return why values of one schema can't be values of another, or an empty text; what is unknown fits."""
    given, wanted = type_of(have), type_of(want)
    if given and wanted and given != wanted and (given, wanted) != ("integer", "number"):
        return f"`{path}` is {wanted}, not {given}"
    if wanted == "array" and given == "array":
        return mismatch(items_of(have), items_of(want), f"{path}[]")
    if wanted == "object" and given == "object" and "properties" in have:
        return next(filter(None, _fields_mismatch(have, want, path)), "")
    return ""


def _fields_mismatch(have: Schema, want: Schema, path: str) -> Iterable[str]:
    given, wanted = properties_of(have), properties_of(want)
    if is_closed(have):
        for name in want.get("required", ()):
            if name not in given:
                yield f"`{path}` lacks `{name}`"
    if is_closed(want) and want.get("additionalProperties") is False:
        for name in given:
            if name not in wanted:
                yield f"`{path}` has no `{name}`. {did_you_mean(name, wanted)}".strip()
    for name in given.keys() & wanted.keys():
        yield mismatch(given[name], wanted[name], f"{path}.{name}")
