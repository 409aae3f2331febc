"""The library that reads and computes CEL, with the extensions of the standard that ours is made with.

Texts (`split`, `join`, `replace`, `format`, …), numbers (`math.…`), `base64`, `cel.bind` and optionals
(`a.?b.orValue(c)`).

Source: https://github.com/google/cel-spec, `doc/langdef.md` and the extensions of cel-cpp.
"""

from collections.abc import Mapping

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs but no py.typed in 0.1.3
from cel_expr_python.ext import (  # type: ignore[import-untyped]  # as above
    ext_bindings,
    ext_encoders,
    ext_math,
    ext_optional,
    ext_strings,
)

_EXTENSIONS = (
    ext_bindings.ExtBindings(),
    ext_encoders.ExtEncoders(),
    ext_math.ExtMath(),
    ext_optional.ExtOptional(),
    ext_strings.ExtStrings(),
)


def environment(variables: Mapping[str, cel.Type] | None = None) -> cel.Env:
    """Return what compiles expressions over some declared names."""
    return cel.NewEnv(variables=variables, extensions=_EXTENSIONS)
