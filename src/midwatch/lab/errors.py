"""What playing a scenario finds."""

from midwatch.base.errors import MidwatchError


class ScenarioDiffersError(MidwatchError):
    """A scenario expects one thing, and another came."""

    code = "MW650"
    fix = "Correct the runbook, or the expectation; `midwatch test -v -k {scenario!r} {file}` tells the run."


class ScenarioParkedError(MidwatchError):
    """A scenario's run waits for something that the scenario never gives."""

    code = "MW651"
    fix = "Give it {hint}."


class MockMissingError(MidwatchError):
    """A scenario's run called a tool for a task that the scenario has no mock for."""

    code = "MW652"
    fix = "Write what comes back under `mocks:`, such as `{task}: {{…}}`."


class AnswerLostError(MidwatchError):
    """An answer, a hand-in or an event of a scenario was refused, or nothing ever asked for it."""

    code = "MW653"
    fix = "Correct it, or take it out: {hint}."


class ScenarioRefusedError(MidwatchError):
    """A scenario's run could not be started."""

    code = "MW654"
    fix = "Correct `given:` of the scenario."


class CoverageError(MidwatchError):
    """The scenarios exercise less of a runbook than was asked for."""

    code = "MW655"
    fix = "Add scenarios that reach it, or ask for less with `--cover-min`."


class NoScenarioError(MidwatchError):
    """There is no scenario to play."""

    code = "MW656"
    fix = "Add a `tests:` block, or write one from a run: `midwatch test new --from-run RUN`."


class NotRecordableError(MidwatchError):
    """A run can't be turned into a scenario."""

    code = "MW657"
    fix = "Take a run that has ended and whose journal can be read: `midwatch runs` lists them."


class WhoUnknownError(MidwatchError):
    """A scenario names somebody who is nobody here."""

    code = "MW658"
    fix = "Name a person, team, role, rotation or manager that the runbook asks."
