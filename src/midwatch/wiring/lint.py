"""Linting files of this host: nothing is opened for that but what the runbook names."""

from pathlib import Path

from midwatch.adapters.clock import SystemClock
from midwatch.adapters.config import Config
from midwatch.adapters.process import os_user
from midwatch.adapters.runbooks import FolderLibrary
from midwatch.base.classes import Profile
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import PersonId
from midwatch.plan.parts.reach import Reach
from midwatch.plan.review import LintReport, lint_text
from midwatch.plan.tools import Manifests
from midwatch.wiring.force import read_people, shipped_folder


def lint_file(
    config: Config, path: Path, data: bytes, manifests: Manifests, *, asks_people: bool = False
) -> LintReport:
    """Return the report on a file, with what it includes and calls.

    Args:
        config: of this house.
        path: of the file; what it names lies in its folder or below.
        data: its bytes.
        manifests: every declared tool.
        asks_people: whether to look up everybody whom the runbook asks.

    Raises:
        PeopleInvalidError: MW413, when `asks_people` and the file of people is wrong.
    """
    return lint_text(
        data,
        name=str(path),
        manifests=manifests,
        library=FolderLibrary(folder=path.parent, known=(*config.runbooks, shipped_folder("runbooks"))),
        path=path.name,
        now_ms=SystemClock().now_ms(),
        reach=_reach(config) if asks_people else None,
    )


def _reach(config: Config) -> Reach:
    people, _ = read_people(config)
    requester: PersonId | None = None
    if config.profile is Profile.TEAM:
        try:
            requester = people.person_of_os_user(os_user()).id
        except MidwatchError:
            requester = None  # a stranger asks for nothing
    is_house = config.people is not None and config.people.exists()
    return Reach(people=people, requester=requester, is_house=is_house)
