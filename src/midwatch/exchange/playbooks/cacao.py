"""OASIS CACAO 2.0 playbooks as runbooks, and what makes one invalid.

Every command is a task for a person, with the command before them: what an agent of another product would do
has no tool here until somebody gives it one. Credentials are never copied.
"""

import re
from collections.abc import Iterator
from typing import Any

from midwatch.exchange.draft import DraftTask, written
from midwatch.exchange.errors import ForeignTooBigError
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import snake
from midwatch.exchange.playbooks.cacao_check import FORWARD, check_cacao, targets_of
from midwatch.exchange.report import Accounts
from midwatch.exchange.steps.builder import Steps, by_hand
from midwatch.exchange.steps.ways import Way
from midwatch.exchange.tree import Node

FORMAT = "cacao"
ROUNDS_MAX = 100
VISITS_MAX = 2_000
_VARIABLE = re.compile(r"__([A-Za-z_][A-Za-z0-9_-]{0,199})__")
_TYPES = {"integer": "integer", "long": "integer", "bool": "boolean", "float": "number", "double": "number"}
_META = (
    *("id", "created", "created_by", "modified", "revoked", "valid_from", "valid_until", "derived_from"),
    *("related_to", "priority", "severity", "impact", "playbook_types", "playbook_activities"),
    *("playbook_processing_summary", "industry_sectors", "labels", "external_references"),
)


def is_cacao(root: Node) -> bool:
    """Return whether a document says that it is a playbook of CACAO."""
    return root.at("type") == "playbook" and root.at("spec_version").startswith("cacao")


def read_cacao(root: Node, wish: Wish) -> Imported:
    """Return the runbook of a playbook.

    Raises:
        ForeignInvalidError: MW172; ForeignTooBigError: MW173.
    """
    check_cacao(root)
    return _Reader(root, wish).imported()


class _Reader:
    def __init__(self, root: Node, wish: Wish) -> None:
        self._root = root
        self._steps = Steps(root=root, wish=wish)
        self._accounts: Accounts = self._steps.accounts
        workflow = root.get("workflow")
        assert workflow is not None, "it was checked"
        self._workflow = dict(workflow.entries())
        self._seen: set[str] = set()
        self._visits = 0

    def imported(self) -> Imported:
        root, accounts = self._root, self._accounts
        inputs = self._inputs()
        self._sequence(root.at("workflow_start"), [], frozenset())
        for name, step in self._workflow.items():
            if name not in self._seen:
                accounts.not_carried(step, step.at("type"), "nothing leads to this step")
        self._head()
        title = root.at("name")
        draft = self._steps.draft(
            title=title,
            header={"inputs": inputs} if inputs else {},
            prose=root.at("description"),
            origin=self._origin(),
        )
        return Imported(id=draft.id, text=written(draft), report=accounts.report(source_format=FORMAT))

    # ------------------------------------------------------------------------------------------- head

    def _head(self) -> None:
        root, accounts = self._root, self._accounts
        for key in ("name", "description"):
            accounts.exactly(root.get(key), key, "title and prose")
        for key in ("type", "spec_version", "workflow_start"):
            accounts.exactly(root.get(key), key, "the order of the tasks")
        for key in _META:
            accounts.approximately(root.get(key), key, "said under Origin, for people")
        secret = "credentials are not copied; tools have their own"  # noqa: S105 - a sentence
        accounts.not_carried(root.get("authentication_info_definitions"), "authentication", secret)
        for key in ("agent_definitions", "target_definitions"):
            accounts.approximately(
                root.get(key), key, "named in the prose of the tasks; a person reaches them"
            )
        exception = root.get("workflow_exception")
        accounts.not_carried(exception, "workflow_exception", "say it per task with `on_fail:`")

    def _origin(self) -> str:
        said = ["Imported from CACAO 2.0. A person does each step until somebody gives it a tool."]
        for key in _META:
            node = self._root.get(key)
            if node is not None:
                said.append(f"{key}: {node.text or node.value}")
        return "\n\n".join(said)

    def _inputs(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        variables = self._root.get("playbook_variables")
        for name, variable in variables.entries() if variables is not None else ():
            found = _VARIABLE.fullmatch(name)
            schema: dict[str, Any] = {"type": _TYPES.get(variable.at("type"), "string")}
            if variable.at("description"):
                schema["description"] = variable.at("description")
            value = variable.get("value")
            if value is not None and variable.at("external") != "true":
                schema["default"] = _typed(value, schema["type"])
            own = snake(found[1] if found else name, "value")
            inputs[own] = schema
            how = f"`inputs.{own}`; in commands it stays as it is written"
            self._accounts.approximately(variable, "variable", how)
        return inputs

    # ------------------------------------------------------------------------------------------- steps

    def _sequence(self, name: str, ways: list[Way], stops: frozenset[str]) -> list[Way]:
        """Map a step and all that follow it, up to an end or a stop; return the ways that are left.

        A step to which several others lead is mapped for each of them, as CACAO runs it for each.
        """
        at: str = name
        while at and at not in stops:
            self._visits += 1
            if self._visits > VISITS_MAX:
                raise ForeignTooBigError(
                    "the steps lead to each other in too many ways",
                    place=self._root.place,
                    limit=f"{VISITS_MAX} steps",
                )
            self._seen.add(at)
            step = self._workflow[at]
            ways = self._step(step, ways)
            follow = step.get("on_completion") or step.get("on_success")
            at = follow.text if follow is not None else ""
        return ways

    def _fresh(self, step: Node) -> str:
        return self._steps.names.fresh(step.at("name") or step.at("type"))

    def _step(self, step: Node, ways: list[Way]) -> list[Way]:
        for key in (
            "type",
            "name",
            "on_completion",
            "on_success",
            "on_true",
            "on_false",
            "next_steps",
            "cases",
        ):
            self._accounts.exactly(step.get(key), key, "the order of the tasks")
        for key in (
            "description",
            "external_references",
            "step_variables",
            "in_args",
            "agent",
            "targets",
            "owner",
        ):
            self._accounts.exactly(step.get(key), key, "in the prose of the task")
        self._accounts.not_carried(step.get("step_extensions"), "step_extensions", "nothing here knows them")
        ways = self._delayed(step, ways)
        match step.at("type"):
            case "start" | "end":
                self._accounts.exactly(step, step.at("type"), "where the tasks begin and end")
                return ways
            case "action":
                return self._action(step, ways)
            case "playbook-action":
                self._accounts.approximately(step.get("playbook_id"), "playbook-action", "a person starts it")
                return [self._manual(step, ways, "Run the other playbook, and come back when it is done.")]
            case "parallel":
                return self._parallel(step, ways)
            case "if-condition":
                return self._condition(step, ways, {"yes": step.get("on_true"), "no": step.get("on_false")})
            case "switch-condition":
                cases = step.get("cases")
                found = (
                    {snake(key, "case"): value for key, value in cases.entries()} if cases is not None else {}
                )
                return self._condition(step, ways, {**found, "none": None})
            case _:
                return self._while(step, ways)

    def _delayed(self, step: Node, ways: list[Way]) -> list[Way]:
        delay = step.get("delay")
        if delay is None or not delay.text.isdecimal() or not int(delay.text):
            return ways
        name = self._steps.names.fresh(f"{step.at('name')} delay")
        task = DraftTask(
            name=name, title=f"Wait before {step.at('name')}", kind="wait", keys={"for": f"{delay.text}ms"}
        )
        self._accounts.exactly(delay, "delay", f"task `{name}`")
        return [self._steps.add(task, ways)]

    def _action(self, step: Node, ways: list[Way]) -> list[Way]:
        commands = step.get("commands")
        given = list(commands.items()) if commands is not None else []
        failing = self._failing(step)
        for number, command in enumerate(given):
            kind, text = command.at("type"), command.at("command")
            what = text if kind == "manual" else f"Run this by {kind or 'hand'}."
            own = self._fresh(step)
            keys = {**failing, **(self._common(step) if number == len(given) - 1 else {})}
            original = {key: value for key, value in step.value.items() if key not in ("commands", *FORWARD)}
            prose = by_hand(
                f"{step.at('description')}\n\n{what}".strip(), {**original, "command": command.value}
            )
            title = step.at("name") or kind or "Action"
            ways = [
                self._steps.add(DraftTask(name=own, title=title, kind="manual", keys=keys, prose=prose), ways)
            ]
            if kind == "manual":
                self._accounts.exactly(command, "command", f"task `{own}`")
            else:
                self._accounts.approximately(command, "command", f"a person runs it (task `{own}`)")
        return ways

    def _failing(self, step: Node) -> dict[str, Any]:
        """Return `on_fail:` of a step's tasks; the tasks to which it leads are mapped first."""
        failure = step.get("on_failure")
        if failure is None:
            return {}
        before = len(self._steps.tasks)
        self._sequence(failure.text, [], frozenset())
        if len(self._steps.tasks) == before:
            self._accounts.approximately(failure, "on_failure", "the run ends as failed")
            return {}
        to = self._steps.tasks[before].name
        self._accounts.exactly(failure, "on_failure", f"`on_fail: {to}`")
        return {"on_fail": to}

    def _common(self, step: Node) -> dict[str, Any]:
        keys: dict[str, Any] = {}
        out = step.get("out_args")
        names = [snake(item.text.strip("_"), "value") for item in out.items()] if out is not None else []
        if names:
            keys["out"] = {name: {"type": "string"} for name in dict.fromkeys(names)}
            self._accounts.approximately(out, "out_args", "`out:` of the task, as texts")
        timeout = step.get("timeout")
        if timeout is not None and timeout.text.isdecimal() and int(timeout.text):
            keys["timeout"] = f"{timeout.text}ms"
            self._accounts.exactly(timeout, "timeout", "`timeout:`")
        return keys

    def _manual(self, step: Node, ways: list[Way], what: str) -> Way:
        prose = by_hand(f"{step.at('description')}\n\n{what}".strip(), step.value)
        title = step.at("name") or step.at("type")
        keys = {**self._failing(step), **self._common(step)}
        task = DraftTask(name=self._fresh(step), title=title, kind="manual", keys=keys, prose=prose)
        return self._steps.add(task, ways)

    def _parallel(self, step: Node, ways: list[Way]) -> list[Way]:
        branches = step.get("next_steps")
        ends = [
            self._sequence(one.text, ways, frozenset())
            for one in (branches.items() if branches is not None else ())
        ]
        failure = step.get("on_failure")
        self._accounts.approximately(failure, "on_failure", "the run ends as failed when a branch fails")
        last = [way for found in ends for way in found if way not in ways]
        if len({way.task for way in last}) < 2:  # noqa: PLR2004 - one branch needs no joining
            return last or ways
        name = self._steps.names.fresh("all done")
        prose = "Every branch above is done: go on."
        keys = {"needs": list(dict.fromkeys(way.task for way in last)), "join": "all"}
        if step.get("on_completion") is None:
            return last
        task = DraftTask(name=name, title="All branches are done", kind="manual", keys=keys, prose=prose)
        return [self._steps.add(task, ways)]

    def _condition(self, step: Node, ways: list[Way], targets: dict[str, Node | None]) -> list[Way]:
        words = [word for word, target in targets.items() if target is not None]
        others = [word for word in targets if word not in words] or ["neither"]
        said = step.get("condition") or step.get("switch")
        asked = f"Look, and say which holds: {', '.join([*words, *others])}."
        text = said.text if said is not None else ""
        prose = by_hand(f"{step.at('description')}\n\n{asked}\n\n    {text}", step.value)
        own = self._fresh(step)
        self._accounts.approximately(said, "condition", f"a person judges it (task `{own}`)")
        title = step.at("name") or text
        task = DraftTask(name=own, title=title, kind="manual", prose=prose)
        chosen = self._steps.choice(task, ways, [*words, *others])
        follow = step.get("on_completion")
        stops = frozenset({follow.text} if follow is not None else ())
        left = [chosen[word] for word in others]
        for word in words:
            target = targets[word]
            assert target is not None, "they were chosen so"
            left.extend(self._sequence(target.text, [chosen[word]], stops))
        return left

    def _while(self, step: Node, ways: list[Way]) -> list[Way]:
        """Map a loop to one task that a person does again and again: its steps are in the prose."""
        inside = dict(self._inside(step.at("on_true")))
        own = self._fresh(step)
        for node in inside.values():
            self._accounts.approximately(node, node.at("type"), f"part of what task `{own}` repeats")
        self._accounts.approximately(
            step.get("condition"), "condition", "a person judges it after each round"
        )
        what = (
            "While the condition holds, go through the steps below once, then say whether it still holds: "
            "`again` or `done`."
        )
        prose = by_hand(what, {**step.value, "steps": {key: node.value for key, node in inside.items()}})
        self._seen.update(inside)
        keys: dict[str, Any] = {
            "out": {"next": {"enum": ["again", "done"]}},
            "until": f'{own}.next == "done"',
            "max": ROUNDS_MAX,
        }
        task = DraftTask(name=own, title=step.at("name") or "Repeat", kind="manual", keys=keys, prose=prose)
        return [self._steps.add(task, ways)]

    def _inside(self, first: str) -> Iterator[tuple[str, Node]]:
        waiting, seen = [first], set[str]()
        while waiting:
            name = waiting.pop(0)
            if name in self._workflow and name not in seen:
                seen.add(name)
                yield name, self._workflow[name]
                waiting.extend(target.text for target in targets_of(self._workflow[name]))


def _typed(node: Node, kind: str) -> Any:
    text = node.text
    match kind:
        case "integer" if text.lstrip("-").isdecimal():
            return int(text)
        case "boolean":
            return text.lower() == "true"
        case "number":
            try:
                return float(text)
            except ValueError:
                return text
        case _:
            return text
