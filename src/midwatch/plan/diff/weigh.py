"""What a changed field of a plan means: each has a rule, and what has none is told as it is.

Rule 1: a field that differs and that no rule takes up still makes a change: nothing is left out.
Rule 2: where it can't be told whether a change lets the runbook do more, it says so for what acts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.base.canonical import FLOAT_TAG
from midwatch.base.classes import EffectClass, Integrity, Mode
from midwatch.base.labels import label_from
from midwatch.plan.diff.change import Change, Weight, duration_text, value_text

EFFECTS = [effect.value for effect in EffectClass]
MODES = [mode.value for mode in Mode]
_TRUST = list(Integrity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field stands."""

    task: str
    path: str
    acts: bool
    """The task acts, or something below it does where it decides about that."""

    @property
    def whose(self) -> str:
        """The subject of a sentence."""
        return f"task {self.task}" if self.task else "the runbook"

    def change(self, weight: Weight, sentence: str, old: Any, new: Any) -> Change:
        """Return a change at this place."""
        return Change(weight=weight, task=self.task, what=self.path, sentence=sentence, old=old, new=new)


Rule = Callable[[Place, Any, Any], Iterator[Change]]


def weight_if_acting(place: Place) -> Weight:
    """Return `MORE` for what acts, else `OTHERWISE`."""
    return Weight.MORE if place.acts else Weight.OTHERWISE


def plainly(words: str) -> Rule:
    """Return the rule of a field that only says what is done, whoever may do it."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        sentence = f"{place.whose}: {words} is {value_text(new)}, was {value_text(old)}"
        yield place.change(Weight.OTHERWISE, sentence, old, new)

    return rule


def guarding(words: str) -> Rule:
    """Return the rule of a field that holds back what acts: without it, or with another, it may do more."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        if not new:
            yield place.change(weight_if_acting(place), f"{place.whose} no longer has {words}", old, new)
        elif not old:
            yield place.change(Weight.LESS, f"{place.whose} has {words} now: {value_text(new)}", old, new)
        else:
            sentence = f"{place.whose} has other {words}: {value_text(new)}, was {value_text(old)}"
            yield place.change(weight_if_acting(place), sentence, old, new)

    return rule


def measured(words: str, shown: Callable[[Any], str] = str, *, zero_is_none: bool = False) -> Rule:
    """Return the rule of a limit: raised or gone, it may do more."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        before, after = (None if zero_is_none and value == 0 else value for value in (old, new))
        is_more = after is None or (before is not None and after > before)
        weight = (weight_if_acting(place) if place.task else Weight.MORE) if is_more else Weight.LESS
        now, was = ("without limit" if value is None else shown(value) for value in (after, before))
        yield place.change(weight, f"{place.whose}: {words} is {now}, was {was}", old, new)

    return rule


def ranked(words: str, order: list[str]) -> Rule:
    """Return the rule of a word from a list that goes from less to more."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        is_more = order.index(new) > order.index(old)
        sentence = f"{place.whose}: {words} is `{new}`, was `{old}`"
        yield place.change(Weight.MORE if is_more else Weight.LESS, sentence, old, new)

    return rule


def listed(words: str, more: Weight, less: Weight) -> Rule:
    """Return the rule of a list of names: what another one means, and what one fewer."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        come, gone = [name for name in new if name not in old], [name for name in old if name not in new]
        if come:
            yield place.change(more, f"{place.whose}: {words} {value_text(come)} is new", old, new)
        if gone:
            yield place.change(less, f"{place.whose}: {words} {value_text(gone)} is gone", old, new)
        if not come and not gone:
            sentence = f"{place.whose}: {words} stand in another order: {value_text(new)}"
            yield place.change(Weight.OTHERWISE, sentence, old, new)

    return rule


def each_of(words: str) -> Rule:
    """Return the rule of named expressions or values, such as arguments."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        before, after = old or {}, new or {}
        for name in sorted({*before, *after}):
            if before.get(name) == after.get(name) and (name in before) == (name in after):
                continue
            now = value_text(after[name]) if name in after else "not given"
            was = value_text(before[name]) if name in before else "not given"
            yield place.change(
                weight_if_acting(place),
                f"{place.whose}: {words} `{name}` is {now}, was {was}",
                before.get(name),
                after.get(name),
            )

    return rule


def ladder(place: Place, old: Any, new: Any) -> Iterator[Change]:
    """Yield who else is asked, who no longer is, and for how much longer."""
    before, after = ({rung["ask"]: rung for rung in rungs or ()} for rungs in (old, new))
    told = False
    for ask in after:
        if ask not in before:
            told = True
            yield place.change(Weight.MORE, f"{place.whose}: `{ask}` may answer too", None, ask)
    for ask in before:
        if ask not in after:
            told = True
            yield place.change(Weight.MORE, f"{place.whose}: `{ask}` is no longer asked", ask, None)
    for ask in after:
        was, now = before.get(ask, after[ask])["within_ms"], after[ask]["within_ms"]
        if was != now:
            told = True
            weight = Weight.MORE if now > was else Weight.LESS
            words = f"`{ask}` holds the question for {duration_text(now)}, was {duration_text(was)}"
            yield place.change(weight, f"{place.whose}: {words}", was, now)
    if not told:
        sentence = f"{place.whose}: people are asked in another order, or over other channels"
        yield place.change(Weight.OTHERWISE, sentence, old, new)


def labels(place: Place, old: Any, new: Any) -> Iterator[Change]:
    """Yield the arguments that are trusted more than before though they are the same."""
    before, after = old or {}, new or {}
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        is_more = now is None or (was is not None and _trust(now) < _trust(was))
        words = "is trusted more" if is_more else "has another label"
        sentence = f"{place.whose}: argument `{name}` {words}: {value_text(now)}, was {value_text(was)}"
        weight = weight_if_acting(place) if is_more else Weight.OTHERWISE
        yield place.change(weight, sentence, was, now)


def _trust(label: str) -> int:
    return _TRUST.index(label_from(label).integrity)


def schema(words: str) -> Rule:
    """Return the rule of a JSON Schema of an object: per field, wider or narrower."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        before, after = ((value or {}).get("properties", {}) for value in (old, new))
        told = False
        for name in [*after, *(name for name in before if name not in after)]:
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            told = True
            if was is None or now is None:
                sentence = f"{place.whose}: {words} `{name}` is {'new' if was is None else 'gone'}"
                yield place.change(Weight.OTHERWISE, sentence, was, now)
                continue
            is_wider = _is_wider(was, now)
            sentence = f"{place.whose}: {words} `{name}` takes {'more' if is_wider else 'something else'}"
            yield place.change(
                Weight.MORE if is_wider else Weight.OTHERWISE,
                f"{sentence}: {value_text(now)}, was {value_text(was)}",
                was,
                now,
            )
        if not told:
            sentence = f"{place.whose}: what must be given of {words} is different"
            yield place.change(Weight.OTHERWISE, sentence, old, new)

    return rule


_HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


def _is_wider(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether a schema takes, or may take, values that the other one refuses."""
    for key in (*_HIGHEST, *_LOWEST):
        if key in old and (key not in new or _number(new[key]) != _number(old[key])):
            sign = 1 if key in _HIGHEST else -1
            if key not in new or (_number(new[key]) - _number(old[key])) * sign > 0:
                return True
    for key in ("pattern", "format", "const", "type", "items"):
        if key in old and old[key] != new.get(key):
            return True
    if "enum" in old:
        return "enum" not in new or any(value not in old["enum"] for value in new["enum"])
    return False


def _number(value: Any) -> float:
    return float(value[FLOAT_TAG]) if isinstance(value, Mapping) and FLOAT_TAG in value else float(value)
