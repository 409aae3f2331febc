"""AWS Systems Manager Automation documents, schema version 0.3, as runbooks.

Source: the guide of Systems Manager, "Automation runbooks": steps run in order unless `nextStep`, `isEnd`,
`onFailure` or a branch says otherwise.
"""

import re
from typing import Any

from midwatch.exchange.draft import DraftTask, written
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import snake
from midwatch.exchange.steps.builder import NEXT, Steps, by_hand
from midwatch.exchange.steps.ways import Way
from midwatch.exchange.tree import Node
from midwatch.runbook.cel.schema import schema_fault

FORMAT = "ssm"
VERSION = "0.3"
_TYPES = {
    "Integer": "integer",
    "Boolean": "boolean",
    "StringList": "array",
    "StringMap": "object",
    "MapList": "array",
}
_KEYWORDS = {
    "description": "description",
    "default": "default",
    "allowedValues": "enum",
    "allowedPattern": "pattern",
    "minChars": "minLength",
    "maxChars": "maxLength",
    "minItems": "minItems",
    "maxItems": "maxItems",
}
_DURATION = re.compile(r"PT?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_READING = re.compile(r"^(?:Describe|Get|List|Lookup|Search|Query|Scan|Head)")
DEFAULT = "otherwise"


def is_ssm(root: Node) -> bool:
    """Return whether a document says that it is an automation."""
    return root.at("schemaVersion") == VERSION and root.get("mainSteps") is not None


def read_ssm(root: Node, wish: Wish) -> Imported:
    """Return the runbook of an automation document.

    Raises:
        ForeignInvalidError: MW172; ForeignTooBigError: MW173.
    """
    return _Reader(root, wish).imported()


class _Reader:
    def __init__(self, root: Node, wish: Wish) -> None:
        steps = root.get("mainSteps")
        if root.at("schemaVersion") != VERSION or steps is None or not steps.is_list:
            raise root.refused(f"an automation has `schemaVersion: '{VERSION}'` and `mainSteps`, a list")
        self._root = root
        self._steps = Steps(root=root, wish=wish)
        self._accounts = self._steps.accounts
        self._order = list(steps.items())
        self._by_name: dict[str, int] = {}
        for number, step in enumerate(self._order):
            name = step.at("name")
            if not name or not step.at("action"):
                raise step.refused("a step needs `name` and `action`")
            if name in self._by_name:
                raise step.refused(f"two steps are called `{name}`")
            self._by_name[name] = number
        self._ours = {name: self._steps.names.fresh(name) for name in self._by_name}

    def imported(self) -> Imported:
        arriving: dict[str, list[Way]] = {}
        failing = self._failing()
        for number, step in enumerate(self._order):
            name = step.at("name")
            ways = arriving.get(name, [])
            is_first = number == 0
            if not ways and not is_first and name not in failing:
                self._accounts.not_carried(step, step.at("action"), "nothing leads to this step")
                continue
            for target, way in self._step(step, ways):
                self._arrive(step, target, way, arriving, number)
        return self._whole()

    def _failing(self) -> set[str]:
        found: set[str] = set()
        for step in self._order:
            word, _, target = step.at("onFailure").partition(":")
            if word == "step" and target.strip():
                if target.strip() not in self._by_name:
                    raise step.refused(f"`onFailure` names `{target.strip()}`, which is no step")
                found.add(target.strip())
        return found

    def _arrive(
        self, step: Node, target: Node | str, way: Way, arriving: dict[str, list[Way]], at: int
    ) -> None:
        name = target if isinstance(target, str) else target.text
        if not name:
            return
        if name not in self._by_name:
            raise step.refused(f"`{step.at('name')}` leads to `{name}`, which is no step")
        if self._by_name[name] > at:
            arriving.setdefault(name, []).append(way)
            return
        node = target if isinstance(target, Node) else step
        self._accounts.not_carried(
            node, "nextStep", f"a jump back to `{name}` would be a circle: a person decides"
        )
        prose = f"The original jumps back here, to `{name}`. Decide whether to start this runbook anew."
        back = DraftTask(
            name=self._steps.names.fresh(f"back to {name}"),
            title=f"Go back to {name}?",
            kind="manual",
            keys={"ends": "escalated"},
            prose=prose,
        )
        self._steps.add(back, [way])

    # ------------------------------------------------------------------------------------------- steps

    def _step(self, step: Node, ways: list[Way]) -> list[tuple[Node | str, Way]]:
        """Map a step, and return where the flow goes on, each with its way."""
        accounts = self._accounts
        for key in ("name", "action", "nextStep", "isEnd"):
            accounts.exactly(step.get(key), key, "the order of the tasks")
        accounts.exactly(step.get("description"), "description", "prose of the task")
        accounts.approximately(step.get("outputs"), "outputs", "in the prose; a person hands in `output`")
        accounts.approximately(
            step.get("isCritical"), "isCritical", "a task that may fail says `on_fail: continue`"
        )
        accounts.not_carried(
            step.get("maxAttempts"), "maxAttempts", "a person tries again; give a tool `retry:`"
        )
        accounts.approximately(step.get("timeoutSeconds"), "timeoutSeconds", "`timeout:`")
        action = step.at("action")
        if action == "aws:branch":
            return self._branch(step, ways)
        way = self._steps.add(self._task(step, action), ways)
        return [(self._after(step), way)]

    def _after(self, step: Node) -> Node | str:
        """Return the name of the step that follows, empty at an end."""
        if step.at("isEnd") == "true":
            return ""
        following = step.get("nextStep")
        if following is not None:
            return following
        number = self._by_name[step.at("name")] + 1
        return self._order[number].at("name") if number < len(self._order) else ""

    def _task(self, step: Node, action: str) -> DraftTask:
        accounts, name = self._accounts, self._ours[step.at("name")]
        keys: dict[str, Any] = {**self._on_fail(step)}
        inputs = step.get("inputs")
        if action == "aws:sleep":
            length = _duration(step.get("inputs", "Duration"))
            if length:
                accounts.exactly(inputs, action, f"`for: {length}`")
                return DraftTask(name=name, title=step.at("name"), kind="wait", keys={"for": length})
        if action == "aws:approve":
            return self._approval(step, name)
        if step.at("timeoutSeconds").isdecimal():
            keys["timeout"] = f"{step.at('timeoutSeconds')}s"
        api = step.get("inputs", "Api")
        is_reading = action in (
            "aws:executeAwsApi",
            "aws:waitForAwsResourceProperty",
            "aws:assertAwsResourceProperty",
        )
        reads = is_reading and api is not None and _READING.match(api.text) is not None
        keys["x-review"] = ["it seems to read only"] if reads else [f"{action} may change something"]
        what = step.at("description") or f"Do what `{action}` does."
        accounts.approximately(inputs, action, f"a person does it (task `{name}`)")
        prose = by_hand(f"{what}\n\n`midwatch done` hands in what came out of it, as `output`.", step.value)
        keys["out"] = {"output": {}}
        return DraftTask(name=name, title=step.at("name"), kind="manual", keys=keys, prose=prose)

    def _on_fail(self, step: Node) -> dict[str, Any]:
        failure = step.get("onFailure")
        word, _, target = step.at("onFailure").partition(":")
        match word:
            case "step":
                self._accounts.exactly(failure, "onFailure", f"`on_fail: {self._ours[target.strip()]}`")
                return {"on_fail": self._ours[target.strip()]}
            case "Continue":
                self._accounts.exactly(failure, "onFailure", "`on_fail: continue`")
                return {"on_fail": "continue"}
            case _:
                self._accounts.exactly(failure, "onFailure", "the run ends as failed")
                return {"on_fail": "continue"} if step.at("isCritical") == "false" else {}

    def _approval(self, step: Node, name: str) -> DraftTask:
        """Map an approval to a task of a person who says yes; no leave of ours follows from it."""
        self._accounts.approximately(
            step.get("inputs"),
            "aws:approve",
            f"a person says yes or no (task `{name}`); give the tasks that act an approval of their own",
        )
        message = step.get("inputs", "Message")
        what = message.text if message is not None else "May it go on?"
        keys: dict[str, Any] = {"out": {"approved": {"const": True}}}
        if step.at("timeoutSeconds").isdecimal():
            keys["timeout"] = f"{step.at('timeoutSeconds')}s"
        return DraftTask(
            name=name, title=step.at("name"), kind="manual", keys=keys, prose=by_hand(what, step.value)
        )

    def _branch(self, step: Node, ways: list[Way]) -> list[tuple[Node | str, Way]]:
        choices, default = step.get("inputs", "Choices"), step.get("inputs", "Default")
        given = list(choices.items()) if choices is not None else []
        words = [f"choice_{number}" for number in range(1, len(given) + 1)]
        told = "\n".join(f"- `{word}`: {_said(choice)}" for word, choice in zip(words, given, strict=True))
        what = f"Say which is the first of these that holds; `{DEFAULT}` where none does.\n\n{told}"
        name = self._ours[step.at("name")]
        task = DraftTask(name=name, title=step.at("name"), kind="manual", prose=by_hand(what, step.value))
        chosen = self._steps.choice(task, ways, [*words, DEFAULT])
        how = f"a person judges it (task `{name}`, `{NEXT}`)"
        self._accounts.approximately(step.get("inputs"), "aws:branch", how)
        found: list[tuple[Node | str, Way]] = []
        for word, choice in zip(words, given, strict=True):
            target = choice.get("NextStep")
            if target is None:
                raise choice.refused("a choice needs `NextStep`")
            self._accounts.exactly(
                target, "NextStep", f"`when:` of task `{self._ours.get(target.text, target.text)}`"
            )
            found.append((target, chosen[word]))
        self._accounts.exactly(default, "Default", "`when:` of the task")
        found.append((default if default is not None else self._after(step), chosen[DEFAULT]))
        return found

    # ------------------------------------------------------------------------------------------- whole

    def _whole(self) -> Imported:
        root, accounts = self._root, self._accounts
        inputs = self._inputs()
        title = root.source.name.rpartition("/")[2].partition(".")[0]
        accounts.exactly(root.get("description"), "description", "prose under the title")
        accounts.exactly(root.get("schemaVersion"), "schemaVersion", "said under Origin")
        accounts.not_carried(root.get("assumeRole"), "assumeRole", "tools have credentials of their own")
        accounts.not_carried(
            root.get("outputs"), "outputs", "give the header `out:` where somebody reads them"
        )
        accounts.not_carried(root.get("files"), "files", "attachments are not read")
        accounts.not_carried(root.get("variables"), "variables", "say them as `inputs:` with a default")
        header: dict[str, Any] = {"inputs": inputs} if inputs else {}
        origin = f"Imported from Systems Manager Automation, schema version {VERSION}."
        origin = f"{origin} A person does each step until somebody gives it a tool."
        draft = self._steps.draft(title=title, header=header, prose=root.at("description"), origin=origin)
        return Imported(id=draft.id, text=written(draft), report=accounts.report(source_format=FORMAT))

    def _inputs(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        parameters = self._root.get("parameters")
        for name, parameter in parameters.entries() if parameters is not None else ():
            schema: dict[str, Any] = {"type": _TYPES.get(parameter.at("type"), "string")}
            for theirs, ours in _KEYWORDS.items():
                node = parameter.get(theirs)
                if node is not None:
                    schema[ours] = node.value
            own = snake(name, "parameter")
            if schema_fault(schema):
                schema = {"description": str(schema.get("description", ""))}
                self._accounts.approximately(parameter, "parameter", f"`inputs.{own}`, not checked")
            else:
                self._accounts.exactly(
                    parameter, "parameter", f"`inputs.{own}`; in steps it stays as it is written"
                )
            inputs[own] = schema
        return inputs


def _said(choice: Node) -> str:
    return ", ".join(
        f"{key} {value.text or value.value}" for key, value in choice.entries() if key != "NextStep"
    )


def _duration(node: Node | None) -> str:
    found = _DURATION.fullmatch(node.text) if node is not None else None
    if found is None or not any(found.groups()):
        return ""
    return "".join(f"{number}{unit}" for number, unit in zip(found.groups(), "dhms", strict=True) if number)
