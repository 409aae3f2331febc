"""Policy and people in force: read from files, journalled, and followed when another process changes them.

Rule 1: what is in force is what the journal says was activated last, by any process.
Rule 2: a file that can't be used stops the command; nothing acts under a policy that nobody can read.
"""

import json
import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from midwatch.adapters.config import Config
from midwatch.adapters.process import full_name, os_user
from midwatch.app.house import IN_FORCE_WITHIN_MS, House, InForce
from midwatch.app.write import append_to_stream
from midwatch.approvals.errors import PeopleInvalidError
from midwatch.approvals.people import People, people_from, solo_people
from midwatch.base.canonical import canonical
from midwatch.base.ids import Principal, StreamId
from midwatch.journal.chain import open_entry
from midwatch.journal.change_events import HouseOpened, PeopleChanged, PolicyActivated
from midwatch.policy.errors import PolicyUnreadableError
from midwatch.policy.rules import Rules

SHIPPED = "shipped with Midwatch"
_POLICY_STREAM, _TENANT_STREAM = StreamId("policy"), StreamId("tenant/local")
_HOUSE = Principal("system:house")


def shipped_policy() -> tuple[str, str]:
    """Return the policies and the schema that ship with Midwatch."""
    folder = files("midwatch") / "shipped" / "policy"
    return (folder / "default.cedar").read_text(), (folder / "schema.cedarschema").read_text()


def read_policy(config: Config) -> tuple[Rules, str]:
    """Return the rules that the configuration names, and where they come from.

    Raises:
        PolicyUnreadableError: MW301, and what else `Rules.load` refuses.
    """
    if config.policy is None:
        policies, schema = shipped_policy()
        return Rules.load(policies, schema, file="default.cedar"), SHIPPED
    try:
        found = sorted(config.policy.glob("*.cedar"))
        texts = [path.read_text() for path in found]
        schemas = [path.read_text() for path in sorted(config.policy.glob("*.cedarschema"))]
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyUnreadableError(
            f"the policy in {config.policy} can't be read: {error}", file=str(config.policy)
        ) from error
    if not texts:
        raise PolicyUnreadableError(f"{config.policy} has no *.cedar file", file=str(config.policy))
    named = str(found[0]) if len(found) == 1 else str(config.policy)
    schema = "\n".join(schemas) if schemas else shipped_policy()[1]
    return Rules.load("\n".join(texts), schema, file=named), named


def read_people(config: Config) -> tuple[People, str]:
    """Return the people that the configuration names, else this user alone; and where they come from.

    Raises:
        PeopleInvalidError: MW413, when the file can't be read or used.
    """
    if config.people is None:
        return solo_people(os_user(), full_name()), "the operating-system user"
    file = str(config.people)
    try:
        return people_from(tomllib.loads(config.people.read_text()), file=file), file
    except OSError as error:
        raise PeopleInvalidError(f"{file} can't be read: {error.strerror}", file=file, key="it") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PeopleInvalidError(
            f"{file} is not TOML: {error}", place=file, file=file, key="the place named"
        ) from error


def _text_of(rules: Rules) -> str:
    """Return both texts as one, the bytes that the digest names."""
    return canonical({"policies": rules.policies_text, "schema": rules.schema_text}).decode()


class Force:
    """What is in force, kept until a control fact changes; call it as `House.in_force`."""

    def __init__(self, config: Config) -> None:
        """Read nothing yet; `house` is set before the first use."""
        self.house: House | None = None
        self._config = config
        self._known: InForce | None = None

    def __call__(self) -> InForce:
        """Return policy and people as they are in force now."""
        assert self.house is not None, "wiring hands the house over"
        version_now = self.house.store.facts_version(within_ms=IN_FORCE_WITHIN_MS)
        if self._known is None or self._known.version != version_now:
            self._known = self._loaded(version_now)
        return self._known

    def activate(self) -> None:
        """Put this process's files in force, and note what is new in the journal.

        Raises:
            MidwatchError: MW3xx and MW4xx, when a file can't be used; MW706, when nothing can be written.
        """
        house = self.house
        assert house is not None, "wiring hands the house over"
        rules, policy_origin = read_policy(self._config)
        people, people_origin = read_people(self._config)
        if house.store.head(_TENANT_STREAM).n == 0:
            opened = HouseOpened(
                version=version("midwatch"),
                profile=house.profile.value,
                public_key=house.keys.public_key.hex(),
            )
            append_to_stream(house, _TENANT_STREAM, opened, actor=_HOUSE)
        if house.store.fact("policy") != rules.digest:
            activated = PolicyActivated(policy=rules.digest, origin=policy_origin, text=_text_of(rules))
            append_to_stream(house, _POLICY_STREAM, activated, actor=_HOUSE)
        if house.store.fact("people") != people.digest:
            changed = PeopleChanged(people=people.digest, origin=people_origin)
            append_to_stream(house, _TENANT_STREAM, changed, actor=_HOUSE)
        house.store.bump_facts(name="policy", value=rules.digest)
        in_force = house.store.bump_facts(name="people", value=people.digest)
        self._known = InForce(rules=rules, people=people, version=in_force, control=house.store.facts())

    def _loaded(self, version_now: int) -> InForce:
        """Return what another process put in force; the policy comes from the journal, never from a file."""
        assert self.house is not None, "wiring hands the house over"
        wanted = self.house.store.fact("policy")
        rules = self._known.rules if self._known is not None else None
        if rules is None or rules.digest != wanted:
            rules = self._journalled(wanted) if wanted is not None else read_policy(self._config)[0]
        people, _ = read_people(self._config)
        control = self.house.store.facts()
        return InForce(rules=rules, people=people, version=version_now, control=control)

    def _journalled(self, wanted: str) -> Rules:
        assert self.house is not None, "wiring hands the house over"
        for entry in reversed(self.house.store.entries(_POLICY_STREAM)):
            key = self.house.keys.subject_key(entry.subject, create=False)
            payload = open_entry(entry, key).payload
            if isinstance(payload, PolicyActivated) and payload.policy == wanted:
                return _rules_from(payload)
        raise PolicyUnreadableError(
            f"the journal does not hold the policy in force, {wanted}", file="the journal"
        )


def _rules_from(activated: PolicyActivated) -> Rules:
    texts = json.loads(activated.text)
    return Rules.load(texts["policies"], texts["schema"], file=activated.origin)


def shipped_folder(name: str) -> Path:
    """Return a folder of files that ship with Midwatch: `policy`, `runbooks` or `tools`."""
    return Path(str(files("midwatch"))) / "shipped" / name
