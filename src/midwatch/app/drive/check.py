"""Values against their JSON Schemas, at the two ends of every tool call and at the start of a run."""

from collections.abc import Mapping
from typing import Any

from midwatch.app.errors import InputsError
from midwatch.base.errors import MidwatchError
from midwatch.effects.manifest import Manifest
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.errors import ArgumentError, OutputError
from midwatch.runbook.errors import ValueMismatchError
from midwatch.runbook.expr import coerce, validate


def checked_arguments(manifest: Manifest, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with integers as floats where the schema says `number`.

    Raises:
        ArgumentError: MW609, when the schema does not allow them.
    """
    return _fitted(manifest.arguments, args, f"the arguments of {manifest.tool}", ArgumentError)


def checked_output(task: PlanTask, manifest: Manifest, out: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's output, fitted to the task's schema, else to the manifest's.

    Raises:
        OutputError: MW608, when the schema does not allow it.
    """
    return _fitted(task.out or manifest.out, out, f"the output of {manifest.tool}", OutputError)


def checked_inputs(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a run: what was given, and the declared defaults for the rest.

    Raises:
        InputsError: MW614, when the runbook does not take them.
    """
    declared: Mapping[str, Any] = plan.inputs.get("properties", {})
    defaults = {name: schema["default"] for name, schema in declared.items() if "default" in schema}
    return _fitted(plan.inputs, {**defaults, **given}, f"the inputs of {plan.runbook}", InputsError)


def _fitted(
    schema: Mapping[str, Any], value: Mapping[str, Any], what: str, refusal: type[MidwatchError]
) -> dict[str, Any]:
    fitted: dict[str, Any] = coerce(schema, dict(value))
    if schema:
        try:
            validate(schema, fitted, what=what)
        except ValueMismatchError as error:
            raise refusal(error.sentence) from error
    return fitted
