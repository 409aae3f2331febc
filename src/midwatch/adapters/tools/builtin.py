"""What the key `runs` of a manifest can name: the functions that carry tools out.

A manifest may declare a higher effect class than the function's own, never a lower one.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import cast

from midwatch.adapters.tools.context import Function
from midwatch.base.classes import EffectClass

_PACKAGE = "midwatch.adapters.tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """One function, found when first called."""

    where: str
    """`module:function` below this package."""
    floor: EffectClass = EffectClass.READ
    in_child: bool = False
    """Even a read runs in a child: it starts programs, and they must die with us."""


def _reading(module: str, function: str) -> Builtin:
    return Builtin(where=f"readings.{module}:{function}")


BUILTINS: dict[str, Builtin] = {
    "command": Builtin(where="command:run", in_child=True),
    "files.chmod": Builtin(where="files.chmod:chmod", floor=EffectClass.WRITE),
    "files.purge": Builtin(where="files.purge:purge", floor=EffectClass.IRREVERSIBLE),
    "files.quarantine": Builtin(where="files.quarantine:quarantine", floor=EffectClass.WRITE),
    "files.quarantined": Builtin(where="files.look:quarantined"),
    "files.restore": Builtin(where="files.restore:restore", floor=EffectClass.WRITE),
    "files.state": Builtin(where="files.look:state"),
    "host.caches": _reading("caches", "caches"),
    "host.certificates": _reading("certificates", "certificates"),
    "host.clock": _reading("machine", "clock"),
    "host.filesystems": _reading("filesystems", "filesystems"),
    "host.keys": _reading("keys", "keys"),
    "host.logs": _reading("logs", "logs"),
    "host.ports": _reading("ports", "ports"),
    "host.pressure": _reading("pressure", "pressure"),
    "host.processes": _reading("processes", "processes"),
    "host.reboot": _reading("machine", "reboot"),
    "host.units": _reading("machine", "units"),
    "http.get": Builtin(where="exchange.http:get"),
    "http.request": Builtin(where="exchange.http:request", floor=EffectClass.WRITE),
    "jq.transform": Builtin(where="exchange.jq:transform", in_child=True),
}


def is_below(effect: EffectClass, floor: EffectClass) -> bool:
    """Return whether `effect` promises less than `floor`."""
    order = tuple(EffectClass)
    return order.index(effect) < order.index(floor)


@cache
def function_of(runs: str) -> Function:
    """Return the function that `runs` names, imported now.

    Raises:
        KeyError: there is none of that name.
    """
    module, _, name = BUILTINS[runs].where.partition(":")
    return cast("Function", getattr(import_module(f"{_PACKAGE}.{module}"), name))
