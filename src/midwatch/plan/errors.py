"""What can be wrong between a runbook and its plan: MW180 to MW199."""

from midwatch.base.errors import MidwatchError


class UnknownToolError(MidwatchError):
    """A task calls a tool that no manifest declares."""

    code = "MW180"
    fix = "{hint}Declare it in `tools/{tool}.toml`, or correct the name. Known: {known}."


class EffectMismatchError(MidwatchError):
    """A task asserts another effect class than the tool's manifest declares."""

    code = "MW181"
    fix = "Write `effect: {declared}`; only the manifest decides what a tool may do."


class ArgumentError(MidwatchError):
    """The arguments of a task don't fit the tool's manifest."""

    code = "MW182"
    fix = "{hint}"


class NoVerifyError(MidwatchError):
    """A task acts, and nothing checks that it worked."""

    code = "MW183"
    fix = (
        'Add `verify: {{probe: {probe}, until: "…", within: 5m}}`: a reading taken again, and what must hold.'
    )


class NoUndoError(MidwatchError):
    """A task writes, and nothing can take it back."""

    code = "MW184"
    fix = "Add `undo: TASK` and a task under a heading `## Undo: …`{hint}."


class NoApprovalError(MidwatchError):
    """A task is irreversible, and no approval above it asks for it."""

    code = "MW185"
    fix = "Put a task of `kind: approval` with `actions: [{task}]` among the needs of `{task}`."


class ToolNotGrantedError(MidwatchError):
    """A task calls a tool that the header doesn't grant."""

    code = "MW186"
    fix = "Add `{tool}` to `tools:` in the header."


class ProbeError(MidwatchError):
    """A probe is not a task that only reads."""

    code = "MW187"
    fix = "Name a `kind: command` task whose tool only reads."


class UndoError(MidwatchError):
    """An undo can't take the effect back, or would run on its own."""

    code = "MW188"
    fix = "{hint}"


class PlanBrokenError(MidwatchError):
    """A plan breaks a rule that every plan keeps; the compiler should have refused it."""

    code = "MW189"
    fix = "Report this with the runbook: the compiler and the check disagree."


class NotExecutableError(MidwatchError):
    """A plan asks for something that this release can compile but not run."""

    code = "MW190"
    fix = "Leave that of `{task}` to a person outside of the runbook, or run a release that can do it."


class PlanUnreadableError(MidwatchError):
    """A stored plan can't be read."""

    code = "MW191"
    fix = "Run a release at least as new as the one that stored it; `midwatch audit verify` checks the store."


class RunbookRefusedError(MidwatchError):
    """A runbook has errors, so there is no plan."""

    code = "MW192"
    fix = "Run `midwatch lint {name}`, which shows each place."


class DeclassifyError(MidwatchError):
    """A field is declassified that its schema doesn't bound."""

    code = "MW193"
    fix = (
        "Declassify only an enum, number, boolean, `one_of:` or a text with a bounded `pattern`; or bound it."
    )


class TimeoutWarningError(MidwatchError):
    """A task asks for more time than its tool is allowed."""

    code = "MW194"
    fix = "Lower `timeout:` to {limit_ms} ms or raise `timeout` in the tool's manifest."


class ManifestError(MidwatchError):
    """A tool's manifest can't be used."""

    code = "MW195"
    fix = "Correct `tools/{tool}.toml`."


class CalleeError(MidwatchError):
    """A runbook can't be called as a task says."""

    code = "MW196"
    fix = "{hint}"


class CalleeCycleError(MidwatchError):
    """Runbooks call each other in a circle, or too deep."""

    code = "MW197"
    fix = "Take one of the calls out of the chain."
