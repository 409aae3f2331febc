"""Fresh ids that a person can type."""

from midwatch.app.house import House

ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u to misread."""

RUN_ID_LENGTH = 10
APPROVAL_ID_LENGTH = 6
HAND_ID_LENGTH = 6


def short_id(house: House, prefix: str, length: int) -> str:
    """Return a fresh id: the prefix, a dash, and so many random characters."""
    noise = house.chance.token(length)
    return f"{prefix}-" + "".join(ID_ALPHABET[byte % len(ID_ALPHABET)] for byte in noise)
