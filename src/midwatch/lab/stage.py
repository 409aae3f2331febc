"""A house for one scenario: what is prepared once for a document, and what is new for each scenario."""

from collections.abc import Callable, Mapping
from functools import cached_property

from midwatch.adapters.memory import ManualClock, MemoryEngine, SeededChance
from midwatch.adapters.memory_world import InlineCrew, MemoryKeys
from midwatch.app.drive.driver import Driver
from midwatch.app.house import SUBJECT, House, InForce
from midwatch.approvals.people import People
from midwatch.base.classes import Profile
from midwatch.base.ids import Digest, RunId, ToolName, run_stream
from midwatch.effects.manifest import Manifest
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Event
from midwatch.journal.run_events import RunStarted
from midwatch.lab.people import made_up
from midwatch.lab.scenario import Scenario
from midwatch.lab.world import (
    STAND_IN,
    KilledError,
    LabStore,
    MockedTools,
    stand_in,
    stand_in_manifest,
)
from midwatch.plan.codec import plan_bytes
from midwatch.plan.compile import Compiled
from midwatch.plan.model import Plan
from midwatch.policy.rules import Rules
from midwatch.runbook.model import Runbook

_SEED = 7


class Playbook:
    """A document ready to be played, with policy and people: the same for all its scenarios."""

    def __init__(
        self,
        *,
        runbook: Runbook,
        compiled: Compiled,
        manifests: Mapping[ToolName, Manifest],
        rules: Rules,
        profile: Profile = Profile.SOLO,
        house_people: People | None = None,
    ) -> None:
        """Take what a house has; without its people, some are made up for whom the runbook asks."""
        self.runbook = runbook
        self.compiled = compiled
        self.rules = rules
        self.profile = profile
        self._manifests = manifests
        self._house_people = house_people

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.compiled.plan

    @cached_property
    def stored(self) -> bytes:
        """The plan's canonical bytes."""
        return plan_bytes(self.plan)

    @cached_property
    def callees(self) -> Mapping[Digest, bytes]:
        """Canonical bytes of what it calls, by digest."""
        return {name: plan_bytes(plan) for name, plan in self.compiled.callees.items()}

    @cached_property
    def stand_ins(self) -> Mapping[Digest, bytes]:
        """For each plan that it calls, one that gives what a mock says."""
        return {name: stand_in(plan) for name, plan in self.compiled.callees.items()}

    @cached_property
    def people(self) -> People:
        """Who can be asked."""
        if self._house_people is not None:
            return self._house_people
        named = {
            word
            for case in self.runbook.tests
            for at in case.answers.values()
            for each in (at.value if isinstance(at.value, list) else [at.value])
            if isinstance(each, Mapping)
            for word in each.values()
            if isinstance(word, str) and word.startswith("person:")
        }
        return made_up((self.plan, *self.compiled.callees.values()), sorted(named))

    @cached_property
    def known_tools(self) -> Mapping[ToolName, Manifest]:
        """Every declared tool, and the one that stands for called runbooks."""
        return {**self._manifests, STAND_IN: stand_in_manifest()}

    @cached_property
    def calling(self) -> frozenset[str]:
        """The tasks that call a tool."""
        return frozenset(task.name for task in self.plan.tasks if task.call is not None)


class Stage:
    """The house of one scenario; its process may be killed, then the next one goes on."""

    def __init__(self, *, playbook: Playbook, scenario: Scenario) -> None:
        """Open the house."""
        self.playbook = playbook
        self.scenario = scenario
        self.clock = ManualClock(scenario.start_ms)
        self._chance = SeededChance(_SEED)
        self.keys = MemoryKeys(self._chance.token)
        self.keys.subject_key(SUBJECT, create=True)
        self.store = LabStore()
        self.store.killing.crashes.extend(scenario.crashes)
        self.store.called = playbook.calling
        mocked = {
            task.callee.plan
            for task in playbook.plan.tasks
            if task.callee is not None and task.name in scenario.scripts
        }
        for digest, stored in playbook.callees.items():
            self.store.keep(digest, playbook.stand_ins[digest] if digest in mocked else stored)
        self.tools = MockedTools(
            manifests=playbook.known_tools,
            scripts=scenario.scripts,
            store=self.store,
            parent_of=self._parent_of,
        )
        self._worker = 0
        self.house, self.engine = self._opened()

    def _opened(self) -> tuple[House, MemoryEngine]:
        self._worker += 1
        playbook, store = self.playbook, self.store
        self.tools.store = store
        name = f"lab-{self._worker}"
        force = InForce(rules=playbook.rules, people=playbook.people, version=store.facts_version())
        house = House(
            store=store,
            tools=self.tools,
            keys=self.keys,
            clock=self.clock,
            chance=self._chance,
            crew=InlineCrew(),
            worker=name,
            profile=playbook.profile,
            in_force=lambda: force,
            is_surely_dead=lambda _: True,
            watched=lambda: True,
            seal_lag_ms=lambda: 0,
            on_commit=lambda _: None,
        )
        engine = MemoryEngine(store, worker=name)
        engine.start(Driver(house))
        engine.adopt((f"lab-{self._worker - 1}",))
        return house, engine

    def survive(self, work: Callable[[], object]) -> None:
        """Do something in the process of the house; where that is killed, open the next one."""
        try:
            work()
        except KilledError:
            survivor = self.store.killing.survivor
            assert survivor is not None, "who was killed left a disk behind"
            self.store = survivor
            self.house, self.engine = self._opened()

    def drive(self) -> None:
        """Drive until every run is parked."""
        driven = [True]

        def pump() -> None:
            driven[0] = self.engine.pump() is not None

        while driven[0]:
            driven[0] = True
            self.survive(pump)

    def events(self, run: RunId) -> list[Event]:
        """Return every event of a run."""
        key = self.keys.subject_key(SUBJECT, create=False)
        return [open_entry(entry, key) for entry in self.store.entries(run_stream(run))]

    def _parent_of(self, run: RunId) -> str:
        key = self.keys.subject_key(SUBJECT, create=False)
        first = open_entry(self.store.entries(run_stream(run))[0], key).payload
        assert isinstance(first, RunStarted), "a run's first fact is that it started"
        return first.parent_task
