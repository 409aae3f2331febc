"""Which steps might be run by a tool, once a person has looked at them."""

import shlex
from typing import Any

from midwatch.exchange.prose.shell import Typed
from midwatch.exchange.risk import Risk

READ = "command.read"
WRITE = "command.write"
LOOKING = frozenset(
    [
        "df",
        "du",
        "findmnt",
        "free",
        "id",
        "ls",
        "lsblk",
        "nproc",
        "ps",
        "stat",
        "uname",
        "uptime",
        "vmstat",
        "who",
    ]
)
"""The programs that `command.read` allows as it is shipped."""
_SHELL_MARKS = frozenset("|&;<>()$`\\\n*?[]{}!#~")


def candidate_keys(typed: Typed, *, has_placeholders: bool, risks: tuple[Risk, ...]) -> dict[str, Any] | None:
    """Return the keys of a command task, or None where it takes a shell or a person.

    One command of plain words is a candidate: no pipe, no variable, nothing to fill in. Whether it only
    reads is what the tool's manifest says; what no manifest allows is a write until somebody says otherwise.
    """
    if len(typed.commands) != 1 or has_placeholders or _SHELL_MARKS & set(typed.commands[0]):
        return None
    try:
        words = shlex.split(typed.commands[0])
    except ValueError:
        return None
    if not words or "=" in words[0]:
        return None
    if words[0] in LOOKING and not risks:
        return {"kind": "command", "tool": READ}
    return {"kind": "command", "tool": WRITE, "effect": "write"}
