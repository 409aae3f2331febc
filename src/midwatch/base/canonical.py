"""Canonical JSON and the digests made of it.

The bytes follow RFC 8785 (JSON Canonicalization Scheme) over the subset that two implementations
can't disagree about: strings, booleans, null, arrays, objects and integers below 2^53. A number
with a fraction travels as `{"$float": "97.5"}` (see `frozen_value`), so that no digest ever hangs on
how somebody prints a float.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from midwatch.base.errors import NotCanonicalError
from midwatch.base.ids import Digest

INTEGER_MAX = 2**53 - 1
FLOAT_TAG = "$float"
_DEPTH_MAX = 100


def _check(value: object, depth: int) -> bool:
    """Return whether every key is in the Basic Multilingual Plane, where Python's order is RFC 8785's.

    Asks for exact types first: every event passes here several times.

    Raises:
        NotCanonicalError: MW203, for a value that has no canonical form.
    """
    kind = type(value)
    if kind is str:
        _check_text(value)  # type: ignore[arg-type]
        return True
    if kind is int:
        _check_integer(value)  # type: ignore[arg-type]
        return True
    if value is None or kind is bool:
        return True
    if depth > _DEPTH_MAX:
        raise NotCanonicalError(f"the value is nested deeper than {_DEPTH_MAX} levels")
    if isinstance(value, dict):
        return _check_object(value, depth)
    if isinstance(value, list | tuple):
        plain = True
        for item in value:
            plain &= _check(item, depth + 1)
        return plain
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int):
        _check_integer(value)
    else:
        raise NotCanonicalError(f"a {kind.__name__} has no canonical form")
    return True


def _check_object(value: Mapping[object, object], depth: int) -> bool:
    plain = True
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotCanonicalError(f"the object key {key!r} is not a string")
        if not key.isascii():
            _check_text(key)
            plain &= max(key) <= "\ud7ff"
        if type(item) is str and item.isascii():
            continue
        plain &= _check(item, depth + 1)
    return plain


def _check_integer(value: int) -> None:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise NotCanonicalError(f"the integer {value} is beyond 2^53 - 1")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("a string holds a lone surrogate") from error


def _in_utf16_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _in_utf16_order(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))
        }
    if isinstance(value, list | tuple):
        return [_in_utf16_order(item) for item in value]
    return value


_encode_sorted = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_encode_as_is = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=False, separators=(",", ":")
).encode


def canonical(value: object) -> bytes:
    """Return the one UTF-8 spelling of `value`: no blanks, keys in the order of UTF-16 code units.

    Raises:
        NotCanonicalError: MW203, for floats, big integers, lone surrogates, deep nesting.

    Source: RFC 8785.
    """
    if _check(value, 0):
        return _encode_sorted(value).encode()
    return _encode_as_is(_in_utf16_order(value)).encode()


def digest_of(data: bytes) -> Digest:
    """Return the name of some bytes: `sha256:` and the hexadecimal hash."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def digest(value: object) -> Digest:
    """Return the name of a JSON value: the digest of its canonical bytes."""
    return digest_of(canonical(value))


def frozen_value(value: Any) -> Any:
    """Return the value with each float as `{"$float": "<shortest repr>"}`, fit for `canonical`.

    Raises:
        NotCanonicalError: MW203, for NaN, infinities and objects that already use the tag.
    """
    match value:
        case bool():
            return value
        case float():
            if not math.isfinite(value):
                raise NotCanonicalError(f"the number {value} is not finite")
            return {FLOAT_TAG: repr(value)}
        case list() | tuple():
            return [frozen_value(item) for item in value]
        case dict():
            if FLOAT_TAG in value:
                raise NotCanonicalError(f"the key {FLOAT_TAG!r} is reserved")
            return {key: frozen_value(item) for key, item in value.items()}
        case _:
            return value


def thawed_value(value: Any) -> Any:
    """Return what `frozen_value` was given: the inverse, with tuples as lists."""
    match value:
        case list():
            return [thawed_value(item) for item in value]
        case dict():
            if FLOAT_TAG in value:
                return float(value[FLOAT_TAG])
            return {key: thawed_value(item) for key, item in value.items()}
        case _:
            return value
