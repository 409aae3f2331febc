"""Data in, data out: one jq program over bound values.

The program runs in a process of its own, with an empty environment (jq's `env` reads it), no files, no
input but the bound values, and limits on memory and time that the system keeps. jq itself has no way to
reach the network or to write; `include` and `import` read nothing, because no file can be opened any more.

    values  are there as variables: `$data` for what was bound as `data`
    output  is the first thing that the program gives; it must be an object
    errors  fail the call as problem details (RFC 7807); with `on_error` they are an output instead: those
            fields, and `error`. A program that went well then has `error: null`
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.exchange.errors import (
    JqFailedError,
    JqLimitError,
    JqMissingError,
    JqProgramError,
)

MEMORY_BYTES_MAX = 512 << 20
CPU_S_MAX = 10
EXPRESSION_ERROR = "https://open-workflow-specification.org/dsl/errors/types/expression"
_PREFIX = "jq: error: "

BOOT = """
import json, resource, sys
sys.path.append(sys.argv[1])
memory, cpu, out = (int(word) for word in sys.argv[2:5])
import jq
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
asked = json.load(sys.stdin)
def say(kind, value):
    text = json.dumps([kind, value], ensure_ascii=False, allow_nan=False)
    sys.stdout.write(text if len(text) <= out else json.dumps(["big", len(text)]))
    sys.stdout.flush()
try:
    program = jq.compile(asked["program"], args=asked["values"])
except ValueError as error:
    say("program", str(error))
    raise SystemExit
try:
    found = next(iter(program.input_value(None)), None)
except ValueError as error:
    say("error", str(error))
    raise SystemExit
try:
    say("out", found)
except ValueError:
    say("error", "the program gave a number that JSON does not have")
"""


def transform(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return what the program gives.

    Raises:
        JqMissingError: MW530; JqProgramError: MW531; JqFailedError: MW532; JqLimitError: MW533.
    """
    context.before_acting()
    kind, said = _evaluated(args["program"], args.get("values", {}), context)
    caught = args.get("on_error")
    match kind:
        case "out" if isinstance(said, dict):
            return {**said, "error": None} if caught is not None else said
        case "out":
            raise JqProgramError(f"the program gave {type(said).__name__}, not an object", tool=context.tool)
        case "program":
            raise JqProgramError(_one_line(said), tool=context.tool)
        case "big":
            sentence = f"the program gave {said} bytes, more than {context.output_bytes_max}"
            raise JqLimitError(sentence, tool=context.tool)
        case _:
            problem = _problem(str(said), args.get("instance", ""))
            if caught is not None:
                return {**caught, "error": problem}
            raise JqFailedError(json.dumps(problem, ensure_ascii=False), tool=context.tool)


def _evaluated(program: str, values: Mapping[str, Any], context: Context) -> tuple[str, Any]:
    where = importlib.util.find_spec("jq")
    if where is None or where.origin is None:
        raise JqMissingError("jq.transform needs the library `jq`")
    limits = (MEMORY_BYTES_MAX, CPU_S_MAX, context.output_bytes_max)
    argv = [sys.executable, "-I", "-S", "-c", BOOT, str(Path(where.origin).parent), *map(str, limits)]
    asked = json.dumps({"program": program, "values": dict(values)}, allow_nan=False)
    try:
        done = subprocess.run(
            argv,
            input=asked.encode(),
            capture_output=True,
            env={},
            cwd="/",
            timeout=max(0.001, context.left_s),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise JqLimitError("the program ran over its time and was ended", tool=context.tool) from error
    if done.returncode != 0 or not done.stdout:
        raise JqLimitError("the program was ended: too much memory or CPU time", tool=context.tool)
    kind, said = json.loads(done.stdout)
    return kind, said


def _problem(message: str, instance: str) -> dict[str, Any]:
    """Return an error as problem details: those that were raised, else an error of the expression."""
    raised: Any = None
    try:
        raised = json.loads(message)
    except ValueError:
        raised = None
    if isinstance(raised, dict) and "type" in raised:
        return {**raised, "instance": raised.get("instance") or instance}
    return {
        "type": EXPRESSION_ERROR,
        "status": 400,
        "title": "Expression Error",
        "detail": _one_line(message),
        "instance": instance,
    }


def _one_line(text: str) -> str:
    return " ".join(str(text).removeprefix(_PREFIX).split())[:2_000]
