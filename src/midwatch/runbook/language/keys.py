"""Every key of the language, in the order in which a runbook is written.

Rule 1: a key that the parser asks for stands here, and none else; a test compares the two.
Rule 2: nothing else knows an order of keys, a list of keys or their meaning in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from midwatch.runbook.language.shapes import (
    ANY,
    ARGUMENTS,
    ASKED,
    ASKED_LIST,
    CEL,
    CONDITION,
    DURATION,
    EFFECT,
    ENDINGS,
    FLAG,
    ID,
    MESSAGE,
    MODE,
    NAME,
    OUTCOME,
    SCHEMAS,
    TASK,
    TASKS,
    TEXT,
    TEXTS,
    TURNS,
    USD,
    Shape,
    block_of,
    either,
    integer_of,
    list_of,
    map_of,
    word_of,
)
from midwatch.runbook.model import Kind

COUNT_MAX = 1_000_000_000
RETRY_MAX = 20
ITEMS_MAX = 1000
PARALLEL_MAX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a block."""

    name: str
    shape: Shape
    about: str
    """What it means, as one phrase for the reference."""
    kinds: tuple[str, ...] = ()
    """The kinds of tasks that may have it; empty: every kind."""
    is_required: bool = False
    required_of: tuple[str, ...] = ()
    """The kinds of tasks that must have it, where not all must."""


def _keys(*keys: Key) -> Mapping[str, Key]:
    return {key.name: key for key in keys}


def _key(name: str, shape: Shape, about: str, *kinds: str, required: bool | str = False) -> Key:
    is_required, of = (False, (required,)) if isinstance(required, str) else (required, ())
    return Key(name=name, shape=shape, about=about, kinds=kinds, is_required=is_required, required_of=of)


_WORK = ("command", "agent", "manual", "call", "notify")
_TRIED = ("command", "agent", "call", "notify")
_TYPED = ("command", "agent", "decision", "manual", "wait")
_LOOPS = ("command", "agent", "decision", "manual", "call", "notify")

BLOCKS: Mapping[str, Mapping[str, Key]] = {
    "header": _keys(
        _key("runbook", word_of("v1"), "the version of the language; the first key", required=True),
        _key("id", ID, "names the runbook for good", required=True),
        _key("title", TEXT, "for people; else the first heading"),
        _key("version", TEXT, "the author's own count"),
        _key("owner", TEXT, "who answers for it: a `person:` or a `team:`"),
        _key("mode", MODE, "how far it may go; default `approve`"),
        _key("triggers", list_of(block_of("trigger"), "[triggers](#trigger)"), "what starts it"),
        _key("inputs", SCHEMAS, "what a run is given; `default` makes one optional"),
        _key("tools", TEXTS, "the tools that its tasks may call"),
        _key("budget", block_of("budget"), "caps of one run"),
        _key("ladder", list_of(block_of("rung"), "[rungs](#rung)"), "who is asked, in which order"),
        _key("on_stop", word_of("undo", "leave"), "what a stopped run does with its effects; default `undo`"),
        _key("out", map_of(block_of("output"), "field → [output](#output)"), "the outputs of a run"),
        _key("metrics", map_of(ANY, "name → target"), "what a good month looks like"),
        _key("last_rehearsed", TEXT, "when people last played it"),
    ),
    "trigger": _keys(
        _key("alert", map_of(ANY, "label → value"), "an alert with these labels"),
        _key("chat", TEXT, "a line typed in a channel"),
        _key("schedule", TEXT, "a cron line"),
        _key("key", CEL, "what makes two triggers the same"),
        _key("with", ARGUMENTS, "inputs of the run"),
    ),
    "budget": _keys(
        _key("usd", USD, "money"),
        _key("tokens", integer_of(0, COUNT_MAX), "tokens of models"),
        _key("working_time", DURATION, "time in which something runs; waiting for people is not counted"),
        _key("tool_calls", integer_of(0, COUNT_MAX), "calls of tools"),
        _key("effects", integer_of(0, COUNT_MAX), "calls that act"),
    ),
    "rung": _keys(
        _key("ask", ASKED, "who holds the question", required=True),
        _key("within", DURATION, "for how long", required=True),
        _key("via", TEXTS, "over which channels"),
    ),
    "output": _keys(
        _key("type", TEXT, "and any other keyword of JSON Schema"),
        _key("value", CEL, "over the outputs of tasks", required=True),
    ),
    "include": _keys(
        _key("include", TEXT, "the file, relative to this one", required=True),
        _key("tasks", TASKS, "which of its tasks; default all"),
    ),
    "task": _keys(
        _key("task", NAME, "the name; the first key", required=True),
        _key("kind", word_of(*(kind.value for kind in Kind)), "what it does", required=True),
        _key("needs", TASKS, "the tasks that come before"),
        _key(
            "join",
            either("`all` · `any` · number", word_of("all", "any"), integer_of(1, 200)),
            "how many of `needs` must have succeeded; default `all`",
        ),
        _key("when", CONDITION, "runs only if this holds; else it is skipped"),
        _key("finally", FLAG, "runs when nothing else is left to do, whatever happened"),
        _key("foreach", CEL, "a list; the task runs once for each item", *_LOOPS),
        _key("as", NAME, "what an item is called; default `item`", *_LOOPS),
        _key("parallel", integer_of(1, PARALLEL_MAX), "items at the same time; default 1", *_LOOPS),
        _key("until", CONDITION, "repeats the task until this holds of its output", *_WORK),
        _key("every", DURATION, "time between two rounds or readings", *_WORK, "wait"),
        _key("max", integer_of(1, ITEMS_MAX), "most items or rounds", *_LOOPS),
        _key("on_item_fail", word_of("stop", "continue"), "what a failed item does; default `stop`", *_LOOPS),
        _key("tool", TEXT, "the tool that is called", "command", required="command"),
        _key("tools", TEXTS, "the tools that it may propose to call", "agent"),
        _key("effect", EFFECT, "asserts the effect class of the tool's manifest", "command"),
        _key("timeout", DURATION, "how long it may take", "command", "agent", "manual", "call"),
        _key("retry", block_of("retry"), "how often it is tried again", *_TRIED),
        _key("budget", block_of("budget"), "caps of this task", "agent"),
        _key("args", ARGUMENTS, "arguments of the tool", "command"),
        _key("bind", ARGUMENTS, "values bound to the command fence", "command"),
        _key("call", TEXT, "another runbook, by file or id", "call", required="call"),
        _key("with", ARGUMENTS, "inputs of the runbook that is called", "call"),
        _key("accept", list_of(ENDINGS, "outcomes"), "endings of the called run that are no failure", "call"),
        _key("for", DURATION, "waits so long", "wait"),
        _key("at", CEL, "waits until then: a time in RFC 3339", "wait"),
        _key("event", NAME, "waits for a signal of this name", "wait"),
        _key("where", CONDITION, "over `event.data`: which signal counts", "wait"),
        _key("probe", TASK, "waits for a reading", "wait"),
        _key("holds", CONDITION, "over `probe`: what must hold of the reading", "wait"),
        _key("within", DURATION, "waits at most so long", "wait"),
        _key("to", ASKED_LIST, "who is told", "notify"),
        _key("message", MESSAGE, "what they are told", "notify"),
        _key("via", TEXTS, "over which channels", "notify"),
        _key("emit", block_of("emit"), "an event for the journal instead of a message", "notify"),
        _key("hit", TEXT, "the hit policy of the table; default `first`", "decision"),
        _key(
            "aggregate",
            word_of("sum", "min", "max", "count"),
            "what `hit: collect` makes of the rows",
            "decision",
        ),
        _key("default", map_of(ANY, "field → value"), "the output when no row matches", "decision"),
        _key(
            "values",
            map_of(list_of(ANY, "values"), "field → values, the most important first"),
            "the order of `hit: priority` and `output-order`",
            "decision",
        ),
        _key("actions", TASKS, "the tasks that an answer allows", "approval"),
        _key("question", MESSAGE, "what is asked", "approval"),
        _key(
            "approvers",
            ASKED_LIST,
            "who is asked, in this order; default the header's ladder",
            "approval",
            "manual",
            "agent",
        ),
        _key(
            "ladder",
            list_of(block_of("rung"), "[rungs](#rung)"),
            "who is asked, in which order",
            "manual",
            "agent",
        ),
        _key("sla", DURATION, "how long each of them holds the question", "approval", "manual", "agent"),
        _key("expires", DURATION, "when a yes no longer counts", "approval"),
        _key("precondition", block_of("precondition"), "what must hold when it is dispatched", "command"),
        _key("out", SCHEMAS, "the output", *_TYPED),
        _key(
            "declassify",
            list_of(NAME, "fields"),
            "outputs that their schema bounds",
            "command",
            "agent",
            "decision",
        ),
        _key("undo", TASK, "the task that takes its effect back", "command"),
        _key("verify", block_of("verify"), "what shows that it worked", "command"),
        _key(
            "on_timeout",
            TEXT,
            "the task that runs when nobody answered",
            "approval",
            "manual",
            "agent",
            "wait",
        ),
        _key("on_deny", TASK, "the task that runs after a no", "approval"),
        _key(
            "on_fail",
            TEXT,
            "`undo`, `escalate`, `continue`, or the task that runs when it failed",
            *(kind.value for kind in Kind if kind is not Kind.APPROVAL),
        ),
        _key(
            "ends",
            either("outcome, or outcome → CEL condition", OUTCOME, map_of(CONDITION, "conditions")),
            "how the run ends when it succeeded",
        ),
        _key("example", ANY, "an output, or `in:` and `out:`, for people and models", "command", "agent"),
    ),
    "retry": _keys(
        _key("max", integer_of(0, RETRY_MAX), "further attempts"),
        _key("backoff", DURATION, "time before the first of them; it doubles"),
        _key("cap", DURATION, "the longest time between two"),
        _key("on", TEXTS, "error codes, or `timeout`, `output`, `tool`"),
        _key("jitter", word_of("none"), "for readers: there is none"),
    ),
    "precondition": _keys(
        _key("probe", TASK, "the reading that is taken again", required=True),
        _key("holds", CONDITION, "over `probe` and `args`", required=True),
    ),
    "verify": _keys(
        _key("probe", TASK, "the reading that is taken again", required=True),
        _key("until", CONDITION, "over `probe`: what must hold", required=True),
        _key("for", DURATION, "for so long"),
        _key("within", DURATION, "at most after so long"),
    ),
    "emit": _keys(
        _key("type", TEXT, "CloudEvents' type", required=True),
        _key("source", TEXT, "CloudEvents' source", required=True),
        _key("data", ARGUMENTS, "field → CEL"),
    ),
    "tests": _keys(
        _key("tests", list_of(block_of("scenario"), "[scenarios](#scenario)"), "the first key", required=True)
    ),
    "scenario": _keys(
        _key("name", TEXT, "a sentence", required=True),
        _key("given", map_of(ANY, "input → value"), "the inputs of the run"),
        _key("mode", MODE, "the mode of the run"),
        _key("start", TEXT, "when it starts: a time in RFC 3339"),
        _key("mocks", map_of(ANY, "task → output, or a list of them"), "what tasks give"),
        _key("answers", map_of(ANY, "task → answer, or a list of them"), "what people say"),
        _key("events", map_of(ANY, "signal → list of data"), "what arrives"),
        _key("faults", list_of(map_of(ANY, "a fault"), "faults"), "what goes wrong"),
        _key("expect", block_of("expect"), "what must come of it", required=True),
    ),
    "expect": _keys(
        _key("path", TURNS, "the tasks in the order in which they began"),
        _key("ends", OUTCOME, "how the run ends"),
        _key("effects", integer_of(0, COUNT_MAX), "how many effects took place, undos aside"),
        _key("asks", integer_of(0, COUNT_MAX), "how many questions were put"),
        _key("rungs", integer_of(0, COUNT_MAX), "the highest rung that was asked"),
        _key("outputs", map_of(ANY, "task → part of its output"), "what tasks gave"),
        _key("out", map_of(ANY, "field → value"), "the outputs of the run"),
        _key("undone", TASKS, "the tasks whose effects were taken back"),
        _key("skipped", TASKS, "the tasks that were skipped"),
        _key("failed", TASKS, "the tasks that failed"),
        _key("notified", integer_of(0, COUNT_MAX), "how many messages were left"),
    ),
}

ABOUT: Mapping[str, str] = {
    "header": "Front matter, or a fenced block under the title. Its first key is `runbook:`.",
    "trigger": "One entry of `triggers:` in the header.",
    "budget": "Caps of a run (`budget:` in the header) or of one task.",
    "rung": "One entry of a `ladder:`.",
    "output": "One field of `out:` in the header: a JSON Schema with the value beside it.",
    "include": "A fenced block whose first key is `include:`; another file's tasks become tasks of this one.",
    "task": "A fenced block under a heading of its own. Its first key is `task:`.",
    "retry": "`retry:` of a task.",
    "precondition": "`precondition:` of a command.",
    "verify": "`verify:` of a command.",
    "emit": "`emit:` of a notice.",
    "tests": "A fenced block whose first key is `tests:`.",
    "scenario": "One entry of `tests:`.",
    "expect": "`expect:` of a scenario.",
}
"""What each block is, for the reference."""


def order_of(block: str) -> Mapping[str, int]:
    """Return the place of each key of a block; empty where the author names the keys."""
    return {name: place for place, name in enumerate(BLOCKS.get(block, {}))}


def block_below(block: str, key: str) -> str:
    """Return the block whose keys a key's value holds, or an empty text."""
    found = BLOCKS.get(block, {}).get(key)
    return found.shape.block if found else ""
