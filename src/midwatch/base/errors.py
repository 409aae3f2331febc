"""Every error that a person can meet: a code, one sentence, the facts, and what to do next.

Codes go by area: 1 runbook, 2 journal, 3 policy, 4 approval, 5 models and tools, 6 engine, 7 store,
9 configuration. A subclass is one code; its docstring says what the error means and `fix` what to do,
and `docs/errors.md` is made of both, so they can't drift.
"""

from collections.abc import Mapping
from typing import ClassVar


class MidwatchError(Exception):
    """An operating error: something outside the program is not as it must be.

    Subclasses set `code` and `fix` (a template over `facts`). `place` is `file:line:column`, or
    empty; `excerpt` is the source line with a caret below it, or empty.
    """

    code: ClassVar[str] = ""
    fix: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, sentence: str, *, place: str = "", excerpt: str = "", **facts: str | int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.place = place
        self.excerpt = excerpt
        self.facts: Mapping[str, str | int] = facts

    @property
    def help(self) -> str:
        """What to do next, with this error's facts filled in."""
        return self.fix.format_map(_Facts(self.facts))

    def as_problem(self) -> dict[str, object]:
        """Return the error as problem details for machines (RFC 9457)."""
        return {
            "type": f"urn:midwatch:error:{self.code}",
            "code": self.code,
            "title": meaning_of(type(self)),
            "detail": self.sentence,
            "place": self.place,
            "facts": dict(self.facts),
            "fix": self.help,
        }

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class _Facts(dict[str, str | int]):
    """Leaves `{name}` as it is where an error was raised without that fact."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def meaning_of(error: type[MidwatchError]) -> str:
    """Return the first line of the class's docstring: what the error means."""
    return (error.__doc__ or "").strip().splitlines()[0]


def catalogue() -> dict[str, type[MidwatchError]]:
    """Return each known code with its class, in the order of codes.

    Only classes whose modules were imported are known; `midwatch explain` imports them all.
    """
    found: dict[str, type[MidwatchError]] = {}
    waiting = list(MidwatchError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.code:
            if found.get(kind.code, kind) is not kind:
                raise AssertionError(f"two errors have the code {kind.code}")
            found[kind.code] = kind
    return dict(sorted(found.items()))


class NotCanonicalError(MidwatchError):
    """A value has no canonical form, so it can't be named by a digest."""

    code = "MW203"
    fix = "Give numbers with a fraction as JSON numbers of a declared output, and keep integers below 2^53."
