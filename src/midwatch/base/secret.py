"""A value that never prints."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Bytes such as a key or a token; `repr`, `str` and logs show only the name."""

    name: str
    unsafe_value: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"<secret {self.name}>"
