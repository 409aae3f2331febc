"""Sealing an action: arguments, target, labels and what must hold, under one digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.app.drive.check import checked_arguments
from midwatch.app.house import House
from midwatch.base.ids import Digest, EffectKey, Principal
from midwatch.effects.action import Action, Precondition
from midwatch.effects.manifest import Manifest
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.dataflow import arguments, scope_at, target_of
from midwatch.run.errors import ArgumentError
from midwatch.run.state import RunState

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be sealed."""

    plan: Plan
    state: RunState
    task: PlanTask
    key: EffectKey
    nonce: str
    iteration: int = 0
    precondition: Precondition | None = None
    args: dict[str, Any] | None = None
    """The arguments, where they were evaluated and checked already."""


def manifest_of(house: House, task: PlanTask) -> Manifest:
    """Return the manifest in force of the tool that a task calls.

    Raises:
        ArgumentError: MW609, when there is no such tool any more.
    """
    assert task.call is not None, "only tasks with a call are sealed"
    manifest = house.tools.manifests.get(task.call.tool)
    if manifest is None:
        raise ArgumentError(f"there is no tool {task.call.tool} any more", tool=task.call.tool)
    return manifest


def arguments_of(house: House, task: PlanTask, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a task's call, as the tool takes them.

    Raises:
        ExpressionError: MW1xx, when an argument can't be evaluated.
        ArgumentError: MW609, when the arguments are not what the tool's schema allows.
    """
    return checked_arguments(manifest_of(house, task), arguments(task, scope))


def new_nonce(house: House) -> str:
    """Return a fresh nonce: no two questions are ever the same."""
    return house.chance.token(NONCE_BYTES).hex()


def seal(house: House, wanted: Wanted) -> Action:
    """Return the sealed action of a task's call.

    Raises:
        ExpressionError, ArgumentError: as `arguments_of`.
    """
    plan, state, task = wanted.plan, wanted.state, wanted.task
    manifest = manifest_of(house, task)
    call, started = task.call, state.started
    assert call is not None, "only tasks with a call are sealed"
    assert started is not None, "only a started run acts"
    args = wanted.args
    if args is None:
        args = arguments_of(house, task, scope_at(plan, state, (task.name, wanted.iteration)))
    agent = Principal(started.initiator if started.person_acts else f"agent:{plan.runbook}/{task.name}")
    return Action(
        key=wanted.key,
        tool=call.tool,
        manifest=manifest.digest,
        effect=manifest.effect.value,
        args=args,
        target=target_of(manifest.target, args),
        precondition=wanted.precondition,
        labels=call.labels,
        guard=task.guard,
        agent=agent,
        initiator=Principal(started.initiator),
        document=plan.document,
        plan=Digest(started.plan),
        run=state.run,
        task=task.name,
        iteration=wanted.iteration,
        step=0,
        nonce=wanted.nonce,
    )
