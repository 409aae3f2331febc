"""Rundeck job definitions (YAML) as runbooks: a list of jobs, of which one is imported at a time.

Source: Rundeck's manual, "Job definitions in YAML": `sequence.commands` in order, `keepgoing`, `options`.
"""

import re
from typing import Any

from midwatch.exchange.draft import DraftTask, written
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import snake
from midwatch.exchange.risk import risks_of
from midwatch.exchange.steps.builder import Steps, by_hand
from midwatch.exchange.steps.ways import Way
from midwatch.exchange.tree import Node

FORMAT = "rundeck"
KINDS = ("exec", "script", "scriptfile", "scripturl", "jobref", "type")
_TIMEOUT = re.compile(r"(?:\d+[dhms])+")


def is_rundeck(root: Node) -> bool:
    """Return whether a document is a list of jobs."""
    first = next(root.items(), None)
    return first is not None and first.get("sequence", "commands") is not None


def read_rundeck(root: Node, wish: Wish) -> Imported:
    """Return the runbook of the first job; the report says which others there are.

    Raises:
        ForeignInvalidError: MW172; ForeignTooBigError: MW173.
    """
    jobs = list(root.items())
    if not jobs or jobs[0].get("sequence", "commands") is None:
        raise root.refused("a file of jobs is a list, each with `sequence.commands`")
    return _Reader(root, jobs, wish).imported()


class _Reader:
    def __init__(self, root: Node, jobs: list[Node], wish: Wish) -> None:
        self._job, self._others = jobs[0], jobs[1:]
        self._steps = Steps(root=root, wish=wish)
        self._accounts = self._steps.accounts

    def imported(self) -> Imported:
        job, accounts = self._job, self._accounts
        for other in self._others:
            accounts.not_carried(other, "job", "one job at a time: write each into a file of its own")
        commands = job.get("sequence", "commands")
        if commands is None or not commands.is_list:
            raise job.refused("`sequence.commands` is a list")
        keeps_going = job.get("sequence", "keepgoing")
        accounts.exactly(keeps_going, "keepgoing", "`on_fail: continue` where it is true")
        strategy = job.get("sequence", "strategy")
        if strategy is not None and strategy.text not in ("node-first", "step-first", "sequential"):
            accounts.not_carried(strategy, "strategy", "the steps run one after the other")
        else:
            accounts.approximately(
                strategy, "strategy", "the steps run one after the other; nodes are not told apart"
            )
        ways: list[Way] = []
        for number, command in enumerate(commands.items(), 1):
            goes_on = keeps_going is not None and keeps_going.value is True
            ways = [self._command(number, command, ways, goes_on=goes_on)]
        return self._whole()

    def _command(self, number: int, command: Node, ways: list[Way], *, goes_on: bool) -> Way:
        kind = next((key for key in KINDS if command.get(key) is not None), "")
        if not kind:
            raise command.refused(f"the command {number} says none of {', '.join(KINDS)}")
        text = command.at(kind) if kind in ("exec", "script") else ""
        title = command.at("description") or text.split("\n")[0] or f"Step {number}: {kind}"
        name = self._steps.names.fresh(title)
        keys: dict[str, Any] = {}
        handler = command.get("errorhandler")
        if handler is not None:
            keys["on_fail"] = self._handler(name, handler)
        elif goes_on:
            keys["on_fail"] = "continue"
        risks = risks_of(text)
        if risks:
            keys["x-review"] = [f"{risk.word}: {risk.why}" for risk in risks]
        for key, value in command.entries():
            if key in ("exec", "script", "description"):
                self._accounts.exactly(value, key, f"task `{name}`, which a person does")
            elif key != "errorhandler":
                self._accounts.approximately(value, key, f"in the prose of task `{name}`")
        original = {key: value for key, value in command.value.items() if key != "errorhandler"}
        task = DraftTask(
            name=name, title=title, kind="manual", keys=keys, prose=by_hand("Do this step.", original)
        )
        return self._steps.add(task, ways)

    def _handler(self, of: str, handler: Node) -> str:
        name = self._steps.names.fresh(f"{of} failed")
        how = f"`on_fail:` leads to task `{name}`; the run then ends as failed"
        keep = handler.get("keepgoingOnSuccess")
        if keep is not None and keep.value is True:
            how = f"`on_fail:` leads to task `{name}`; what follows is not gone on with"
        self._accounts.approximately(handler, "errorhandler", how)
        prose = by_hand(f"The step `{of}` failed. Do this.", handler.value)
        self._steps.add(DraftTask(name=name, title=f"When {of} fails", kind="manual", prose=prose), [])
        return name

    def _whole(self) -> Imported:
        job, accounts = self._job, self._accounts
        inputs = self._inputs()
        header: dict[str, Any] = {"inputs": inputs} if inputs else {}
        crontab = job.get("schedule", "crontab")
        if crontab is not None:
            header["triggers"] = [{"schedule": crontab.text}]
            accounts.approximately(
                crontab, "schedule", "`triggers:`; the seconds and years of Quartz are kept as written"
            )
        for key in ("name", "description"):
            accounts.exactly(job.get(key), key, "title and prose")
        for key in ("group", "id", "uuid", "loglevel", "nodefilters", "tags"):
            accounts.approximately(job.get(key), key, "said under Origin, for people")
        for key, why in (
            ("notification", "write a task of kind `notify`"),
            ("notifyAvgDurationThreshold", "nothing here measures it"),
            ("timeout", "give the tasks a `timeout:`"),
            ("retry", "give the tasks a `retry:`"),
            ("schedule", "only `crontab` is read"),
        ):
            accounts.not_carried(job.get(key), key, why)
        title = job.at("name") or "job"
        said = ["Imported from Rundeck. A person does each step until somebody gives it a tool."]
        for key in ("group", "id", "uuid", "loglevel", "nodefilters", "tags"):
            node = job.get(key)
            if node is not None:
                said.append(f"{key}: {node.text or node.value}")
        draft = self._steps.draft(
            title=title, header=header, prose=job.at("description"), origin="\n\n".join(said)
        )
        return Imported(id=draft.id, text=written(draft), report=accounts.report(source_format=FORMAT))

    def _inputs(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        options = self._job.get("options")
        for option in options.items() if options is not None else ():
            own = snake(option.at("name"), "option")
            schema: dict[str, Any] = {"type": "string"}
            if option.at("description"):
                schema["description"] = option.at("description")
            values, regex, value = option.get("values"), option.get("regex"), option.get("value")
            if values is not None and option.at("enforced") == "true":
                schema["enum"] = [item.text for item in values.items()]
            elif regex is not None:
                schema["pattern"] = regex.text
            is_secret = option.at("secure") == "true" or option.at("valueExposed") == "false"
            if is_secret:
                schema["format"] = "secret"
            elif value is not None:
                schema["default"] = value.text
            elif option.at("required") != "true":
                schema["default"] = ""
            how = f"`inputs.{own}`; in commands it stays as it is written"
            self._accounts.approximately(option, "option", how)
            inputs[own] = _sane(schema)
        return inputs


def _sane(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema, without what its own default or a wrong pattern would contradict."""
    words = schema.get("enum")
    if words is not None and schema.get("default", words[0] if words else "") not in words:
        schema.pop("default")
    if "pattern" in schema:
        try:
            found = re.fullmatch(schema["pattern"], str(schema.get("default", "")))
        except re.error:
            schema.pop("pattern")
            return schema
        if "default" in schema and found is None:
            schema.pop("default")
    return schema
