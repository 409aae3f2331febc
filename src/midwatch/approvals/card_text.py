"""The card as plain text, without colours: what it says is all there is.

Everything that comes from outside goes through `visible`; nothing is cut short.
"""

import datetime as dt
import textwrap
from collections.abc import Mapping
from typing import Any

from midwatch.approvals.arguments import argument_lines, folded, plain_value
from midwatch.approvals.visible import visible
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

WIDTH_MIN = 40
_LABEL = 11
_INDENT = "   "
_EFFECTS = {
    "read": "read (changes nothing)",
    "write": "write (reversible)",
    "irreversible": "IRREVERSIBLE (can't be undone)",
}


def render_text(card: Mapping[str, Any], width: int) -> str:
    """Return the card of `card_data` as text of at most `width` columns, the smallest being 40."""
    width = max(WIDTH_MIN, width)
    lines = [
        *_head(card, width),
        "",
        *_differences(card, width),
        *_plan(card, width),
        *_reasons(card, width),
        *_who(card, width),
        "",
        *_origin(card, width),
    ]
    return "\n".join(lines) + "\n"


def moment(at_ms: int, now_ms: int) -> str:
    """Return a moment in UTC and how far away it is, e.g. `2026-11-22 03:10:00 UTC (in 10 min)`."""
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if at_ms >= now_ms:
        return f"{at} (in {duration(at_ms - now_ms)})"
    return f"{at} ({duration(now_ms - at_ms)} ago)"


def duration(length_ms: int) -> str:
    """Return a length of time in its two largest units, cut off."""
    units = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))
    parts: list[str] = []
    rest = length_ms
    for size, name in units:
        if rest >= size:
            parts.append(f"{rest // size} {name}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"


def _head(card: Mapping[str, Any], width: int) -> list[str]:
    lines = _prose(f"{card['approval']}: {visible(card['question'])}", width)
    lines += _prose(f"mode {card['mode']}, profile {card['profile']}", width)
    if card["practice"]:
        lines += _prose("PRACTICE: it acts on files that were planted for it, and on nothing else.", width)
    if card["nothing_will_run"]:
        lines += _prose(card["nothing_will_run"].upper(), width)
    for note in card["notes"]:
        lines += _prose(visible(note), width)
    return lines


def _differences(card: Mapping[str, Any], width: int) -> list[str]:
    if not card["supersedes"]:
        return []
    lines = _prose(f"CHANGED since {card['supersedes']}, which is void", width)
    for change in card["differences"]:
        lines += folded(f"{_INDENT}{visible(change['path'])}", width)
        lines += folded(f"{_INDENT}  was  {_side(change['old'])}", width)
        lines += folded(f"{_INDENT}  now  {_side(change['new'])}", width)
    if not card["differences"]:
        lines.append(f"{_INDENT}nothing in the actions themselves")
    return [*lines, ""]


def _side(value: Any) -> str:
    return "(not there)" if value is None else plain_value(value)


def _plan(card: Mapping[str, Any], width: int) -> list[str]:
    count = len(card["actions"])
    title = "WHAT WOULD HAVE RUN" if card["nothing_will_run"] else "WHAT WILL RUN"
    counted = f"{count} {'action' if count == 1 else 'actions'}"
    lines = _prose(f"{title}, exactly this and nothing else ({counted})", width)
    for number, action in enumerate(card["actions"], 1):
        lines += ["", *_action(number, action, width)]
    return [*lines, ""]


def _action(number: int, action: Mapping[str, Any], width: int) -> list[str]:
    sealed = action["sealed"]
    lines = _prose(f"{number}. {visible(sealed['tool'])}: {visible(action['summary'])}", width)
    lines += _field("target", plain_value(sealed["target"]), width)
    lines += _words("effect", _EFFECTS.get(sealed["effect"], visible(sealed["effect"])), width)
    lines += _words("undo", visible(action["undo"]) or "there is none", width)
    lines += _words("labels", _labels(action), width)
    if sealed["precondition"] is not None:
        condition = sealed["precondition"]
        lines += _field("only if", visible(condition["holds"]), width)
        lines += _field("seen", f"by {visible(condition['probe'])}: {plain_value(condition['seen'])}", width)
    if action["verified_by"]:
        lines += _words("verified", visible(action["verified_by"]), width)
    lines += _field("action", action["digest"], width)
    lines.append(f"{_INDENT}arguments")
    inner = _INDENT + "  "
    return lines + [inner + line for line in argument_lines(sealed["args"], width=width - len(inner))]


def _labels(action: Mapping[str, Any]) -> str:
    sealed = action["sealed"]
    shown = [f"{visible(name)} {label}" for name, label in sorted(sealed["labels"].items())]
    words = ", ".join([*shown, f"reason for acting {sealed['guard']}"])
    if action["untrusted"]:
        names = ", ".join(visible(name) for name in action["untrusted"])
        words += f"; UNTRUSTED: others can write to the source of {names}"
    if action["guard_untrusted"]:
        words += "; UNTRUSTED: others can write to what led to this"
    return words


def _reasons(card: Mapping[str, Any], width: int) -> list[str]:
    lines = ["WHY NOTHING RUNS" if _asks_nobody(card) else "WHY YOU ARE ASKED"]
    for reason in card["reasons"]:
        lines += _bullet(f"{visible(reason['says'])} ({visible(reason['id'])})", width)
    return [*lines, ""]


def _who(card: Mapping[str, Any], width: int) -> list[str]:
    if _asks_nobody(card):
        return ["WHO DECIDES", *_bullet("nobody: nothing runs, so there is nothing to answer", width)]
    ladder, now_ms = card["ladder"], card["shown_ms"]
    lines = ["WHO DECIDES", *_bullet(_requirement(card["requirement"]), width)]
    for index, rung in enumerate(ladder["rungs"]):
        lines += _bullet(_rung(rung, holds=index == ladder["holds"], now_ms=now_ms), width)
    if ladder["holds"] is None:
        lines += _bullet("nobody any more: the question expired", width)
    elif ladder["holds"] < len(ladder["rungs"]) - 1:
        lines += _bullet(
            f"next rung at {moment(ladder['next_change_ms'], now_ms)}. {ladder['escalates']}", width
        )
    lines += _bullet(f"expires {moment(card['expires_ms'], now_ms)}; {visible(card['on_timeout'])}", width)
    lines += _bullet(f"when denied: {visible(card['on_deny'])}", width)
    return lines


def _asks_nobody(card: Mapping[str, Any]) -> bool:
    """Return whether the card shows what would have run, and asks for no yes."""
    return bool(card["nothing_will_run"]) and card["requirement"]["count"] == 0


def _requirement(requirement: Mapping[str, Any]) -> str:
    count = requirement["count"]
    words = "one yes" if count == 1 else f"{count} yeses of different people"
    if requirement["teams_distinct"]:
        words += ", each for another group"
    if requirement["second_person"]:
        words += ", of somebody other than the one who asked for the run"
    return f"{words}; any of {', '.join(visible(group) for group in requirement['approvers']) or 'nobody'}"


def _rung(rung: Mapping[str, Any], *, holds: bool, now_ms: int) -> str:
    people = ", ".join(_named(person) for person in rung["people"])
    via = f", over {', '.join(visible(channel) for channel in rung['via'])}" if rung["via"] else ""
    if not people:
        return f"{visible(rung['ask'])}: NOBODY is there, so the question goes on at once"
    if holds:
        return f"{visible(rung['ask'])}: {people} HOLDS IT NOW, until {moment(rung['until_ms'], now_ms)}{via}"
    return f"{visible(rung['ask'])}: {people} from {moment(rung['from_ms'], now_ms)}{via}"


def _named(person: Mapping[str, Any]) -> str:
    """Return the name and the id, or the id alone where it is all there is."""
    name, known_as = visible(person["name"]), visible(person["id"])
    return known_as if name == known_as else f"{name} ({known_as})"


def _origin(card: Mapping[str, Any], width: int) -> list[str]:
    book = card["runbook"]
    dollars, micro = divmod(card["cost_micro_usd"], 1_000_000)
    cost = f"${dollars}.{micro:06d}".removesuffix("0000")
    lines = _field(
        "runbook", f"{visible(book['title'])} ({visible(book['id'])} {visible(book['version'])})", width
    )
    lines += _field("document", book["document"], width)
    if book["newer_version"]:
        newer = f"{visible(book['newer_version'])}; this run stays on its own"
        lines += _words("newer", newer, width)
    lines += _field("plan", book["plan"], width)
    lines += _field("run", card["run"], width)
    lines += _field("asked by", _named(card["requester"]), width)
    lines += _field("cost", f"{cost} so far", width)
    lines += _field("policy", card["policy"], width)
    return lines + _field("bundle", card["bundle"], width)


def _prose(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _bullet(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=" - ", subsequent_indent=_INDENT, break_on_hyphens=False)


def _words(name: str, text: str, width: int) -> list[str]:
    """Return a named text, wrapped between words."""
    lead = _lead(name)
    return textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def _field(name: str, text: str, width: int) -> list[str]:
    """Return a named value, each character of it."""
    lead = _lead(name)
    room = width - len(lead)
    starts = range(0, max(1, len(text)), room)
    return [(" " * len(lead) if start else lead) + text[start : start + room] for start in starts]


def _lead(name: str) -> str:
    return f"{_INDENT}{name}".ljust(len(_INDENT) + _LABEL)
