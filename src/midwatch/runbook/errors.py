"""What can be wrong with a runbook: MW101 to MW179.

A finding of the linter and a raised error have the same class, so the same code, meaning and fix.
"""

from midwatch.base.errors import MidwatchError

# ------------------------------------------------------------------------------------------ the file


class DocumentTooBigError(MidwatchError):
    """The document is larger than a runbook may be."""

    code = "MW101"
    fix = "Split the runbook, and link to data instead of pasting it; the limit is {limit_bytes} bytes."


class NotTextError(MidwatchError):
    """The document is not UTF-8 text."""

    code = "MW102"
    fix = "Save the file as UTF-8 text. Check that it is the file you meant: `file {name}`."


class ControlCharacterError(MidwatchError):
    """The document holds a character that people can't see but that changes what they read."""

    code = "MW103"
    fix = "Delete the character {character}; what is reviewed must be what runs."


class TooComplexError(MidwatchError):
    """The document exceeds a limit on depth or number."""

    code = "MW104"
    fix = "Split it into several runbooks; the limit is {limit}."


# ------------------------------------------------------------------------------------------- blocks


class YamlSyntaxError(MidwatchError):
    """A block is not valid YAML 1.2."""

    code = "MW110"
    fix = "Correct the YAML at the caret; quote a text that holds `: ` or ` #` or begins with a sign."


class DuplicateKeyError(MidwatchError):
    """A mapping has the same key twice; YAML parsers disagree about which one counts."""

    code = "MW111"
    fix = "Keep one `{key}`; the other stands in line {first_line}."


class ForbiddenYamlError(MidwatchError):
    """A block uses anchors, aliases, tags, merge keys or several documents."""

    code = "MW112"
    fix = "Write the value out where it is used, so that a reader sees what runs."


class UnknownKeyError(MidwatchError):
    """A block has a key that the language doesn't know."""

    code = "MW113"
    fix = "{hint}Keys of your own begin with `x-`."


class MissingKeyError(MidwatchError):
    """A block lacks a key that it must have."""

    code = "MW114"
    fix = "Add `{key}:`, for example `{example}`."


class WrongValueError(MidwatchError):
    """A key has a value of the wrong kind."""

    code = "MW115"
    fix = "{hint}"


class StructureError(MidwatchError):
    """Blocks, headings or fences don't stand where the machine can tell what belongs together."""

    code = "MW116"
    fix = "{hint}"


class AdjacentFencesError(MidwatchError):
    """Two fences follow each other without a line of prose between them; converters merge such fences."""

    code = "MW117"
    fix = "Put a line of prose between them, for example: `Run this query:`."


class TemplateInCommandError(MidwatchError):
    """A command holds `{{`: text put into commands is how injections begin."""

    code = "MW118"
    fix = "Give the value under `bind:` and name it in the command as a bound parameter (`:app`) or variable."


class SecretInTextError(MidwatchError):
    """The document seems to hold a key, a token or a password."""

    code = "MW119"
    fix = "Take it out, replace it where it is valid, and refer to it by name; git remembers the old text."


# -------------------------------------------------------------------------------------------- graph


class DuplicateTaskError(MidwatchError):
    """Two tasks have the same name."""

    code = "MW120"
    fix = "Rename one; the other `{task}` stands in line {first_line}."


class UnknownTaskError(MidwatchError):
    """A task is named that the runbook doesn't have."""

    code = "MW121"
    fix = "{hint}Tasks: {tasks}."


class CycleError(MidwatchError):
    """Tasks wait for each other in a circle."""

    code = "MW122"
    fix = "Take one of these names out of `needs:`: {cycle}."


class UnreachableTaskError(MidwatchError):
    """A task can never run."""

    code = "MW123"
    fix = "{hint}"


class NotAboveError(MidwatchError):
    """An expression reads the output of a task that need not have run before."""

    code = "MW124"
    fix = "Add `{read}` to `needs:` of `{task}`."


class NoLimitError(MidwatchError):
    """A loop, a fan-out or a wait has no limit that can be told before it runs."""

    code = "MW125"
    fix = "Add `{key}:`, for example `{example}`."


class LoopError(MidwatchError):
    """A loop contradicts itself, or stands where there can be none."""

    code = "MW126"
    fix = "{hint}"


class DeadBranchError(MidwatchError):
    """A decision can give a value that no condition asks for, so nothing follows from it."""

    code = "MW127"
    fix = "Add a task with `when: {task}.{field} == …`, say how the run `ends:`, or take the value out."


class FinallyError(MidwatchError):
    """A task of `finally:` waits for the ordinary graph, or the graph for it."""

    code = "MW128"
    fix = "{hint}"


class JoinError(MidwatchError):
    """A join asks for more tasks than a task needs."""

    code = "MW129"
    fix = "Write `join: all`, or a number up to {needs}."


class ApprovalIncompleteError(MidwatchError):
    """An approval doesn't say who is asked, for how long, or what happens without an answer."""

    code = "MW130"
    fix = "Add `{key}:`, for example `{example}`."


class TimeoutActsError(MidwatchError):
    """Silence or a no would lead to an action: an approval may never time out into a yes."""

    code = "MW131"
    fix = "Name a task that reads or hands over to a person, with nothing that acts after it."


class ApprovalActionsError(MidwatchError):
    """An approval is asked for a task that it can't approve."""

    code = "MW132"
    fix = "`actions:` names commands that have this approval among their needs."


class NobodyReachedError(MidwatchError):
    """A rung of a ladder reaches nobody."""

    code = "MW133"
    fix = "Add `{ask}` to people.toml, or ask somebody else."


class WaitError(MidwatchError):
    """A wait doesn't say exactly one thing to wait for, or says what doesn't belong to it."""

    code = "MW134"
    fix = "{hint}"


class NobodyToDoItError(MidwatchError):
    """A task is done by a person, and nobody is named for it."""

    code = "MW135"
    fix = 'Add a `ladder:` to the header, or `approvers: ["team:ops"]` and `sla: 10m` to the task.'


class SecretUseError(MidwatchError):
    """A secret input is read where its handle would be shown, stored or compared."""

    code = "MW136"
    fix = "Give it to a tool's argument whose manifest says `format: secret`, and to nothing else."


class DeadLinkError(MidwatchError):
    """A link leads nowhere."""

    code = "MW137"
    fix = "{hint}"


class StaleRehearsalError(MidwatchError):
    """Nobody has rehearsed the runbook for a long time."""

    code = "MW138"
    fix = "Play it in a drill, and write the day as `last_rehearsed:`."


class IncludeError(MidwatchError):
    """A file that the document names can't be taken in."""

    code = "MW139"
    fix = "{hint}"


# -------------------------------------------------------------------------------------- expressions


class ExpressionError(MidwatchError):
    """An expression is wrong or can't be evaluated."""


class ExpressionSyntaxError(ExpressionError):
    """An expression is not CEL."""

    code = "MW140"
    fix = "Correct the expression at the caret. A text inside an expression stands in quotes: `'\"text\"'`."


class ExpressionTypeError(ExpressionError):
    """The parts of an expression don't fit together, or its result doesn't fit its place."""

    code = "MW141"
    fix = "{hint}"


class UnknownNameError(ExpressionError):
    """An expression reads a name that no input and no task's `out:` declares."""

    code = "MW142"
    fix = "{hint}Known here: {known}."


class ExpressionTooCostlyError(ExpressionError):
    """An expression is longer, deeper or works on more than the limits allow."""

    code = "MW143"
    fix = "Compute it in the tool that reads the data (in the query, say), and compare the result here."


class EvaluationError(ExpressionError):
    """An expression has no value for these readings: something is missing, or divided by zero."""

    code = "MW144"
    fix = "Look at the values that `{source}` reads; ask for what may be missing with `has(task.field)`."


class NotBooleanError(ExpressionError):
    """A condition gave something else than true or false."""

    code = "MW145"
    fix = "Write a comparison, for example `{source} == true`."


class SchemaError(MidwatchError):
    """A field under `out:` or `inputs:` is not a JSON Schema."""

    code = "MW146"
    fix = "{hint}See https://json-schema.org/understanding-json-schema."


class ValueMismatchError(MidwatchError):
    """A value doesn't fit the schema that was declared for it."""

    code = "MW147"
    fix = "Make the value fit the declared schema, or correct the schema."


# ------------------------------------------------------------------------------------------- tables


class TableShapeError(MidwatchError):
    """A decision has no table, or its table lacks columns or rows."""

    code = "MW150"
    fix = "{hint}"


class HitPolicyError(MidwatchError):
    """A decision's hit policy is unknown, or doesn't go with its `aggregate:`, `values:` or outputs."""

    code = "MW151"
    fix = "{hint}"


class UnaryTestError(MidwatchError):
    """A cell of a decision table is not a test."""

    code = "MW152"
    fix = 'Write `-`, a value, `"a","b"`, `< 80`, `>= 0.7`, `[1..5]`, `(1..5]`, `date("…")` or `not(…)`.'


class TableTypeError(MidwatchError):
    """A test can't be applied to the values of its column."""

    code = "MW153"
    fix = "{hint}"


class TableGapError(MidwatchError):
    """Some readings match no row of a decision table, and the task would fail."""

    code = "MW154"
    fix = "Say what to do in all other cases: under `default:`, or in rows of their own."


class DeadRowError(MidwatchError):
    """A row of a decision table can never be chosen."""

    code = "MW155"
    fix = "{hint}"


class TableOutputError(MidwatchError):
    """An output of a decision (a cell, `default:`, `values:`) doesn't fit what `out:` declares."""

    code = "MW156"
    fix = "{hint}"


class NoRowError(MidwatchError):
    """No row of a decision table matched."""

    code = "MW157"
    fix = "Add `default:` to the decision, or a row that says what to do for these readings."


class TableOverlapError(MidwatchError):
    """Several rows of a decision table match the same readings, and its hit policy lets only one."""

    code = "MW158"
    fix = "{hint}"


class TestBlockError(MidwatchError):
    """A test of the document names something that the document doesn't have."""

    __test__ = False  # pytest takes every class that begins with Test
    code = "MW160"
    fix = "{hint}"


class NoticeError(MidwatchError):
    """A notice doesn't say whom it tells what, or says two things at once."""

    code = "MW161"
    fix = "{hint}"
