"""The default policy and two stricter kin of it, for policies that change under a run."""

from functools import lru_cache

from midwatch.policy.rules import Rules
from support.houses import POLICY

TWO = """
@id("ask.two")
@says("Two people decide.")
forbid (principal, action in [Action::"write", Action::"irreversible"], resource)
when { context.approved.count < 2 }
unless { context.person_confirmed && context.is_undo };
"""
CLOSED = """
@id("forbidden.closed")
@says("Nothing is changed any more.")
forbid (principal, action in [Action::"write", Action::"irreversible"], resource)
unless { context.is_undo };
"""
UNDO_ASKED = """
@id("ask.undo")
@says("Somebody decides about each undo.")
forbid (principal, action, resource is Tool)
when { context.is_undo && context.approved.count < 1 };
"""
UNDO_CLOSED = """
@id("forbidden.undo")
@says("Nothing is taken back any more.")
forbid (principal, action, resource is Tool)
when { context.is_undo };
"""
ADDED = {"default": "", "two": TWO, "closed": CLOSED, "undo asked": UNDO_ASKED, "undo closed": UNDO_CLOSED}
YESES_MIN = dict.fromkeys(ADDED, 0) | {"two": 2}


@lru_cache
def rules_of(name: str) -> Rules:
    """Return the default policy, or one of its stricter kin."""
    text = (POLICY / "default.cedar").read_text(encoding="utf-8") + ADDED[name]
    return Rules.load(text, (POLICY / "schema.cedarschema").read_text(encoding="utf-8"))
