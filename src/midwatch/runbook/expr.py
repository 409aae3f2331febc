"""Expressions: CEL behind one interface, so that the library can be another one some day."""

from midwatch.runbook.cel.evaluation import evaluate, evaluate_bool, free_names
from midwatch.runbook.cel.schema import coerce, validate
from midwatch.runbook.cel.types import CelType, TypeScope, check
from midwatch.runbook.errors import ExpressionError

__all__ = [
    "CelType",
    "ExpressionError",
    "TypeScope",
    "check",
    "coerce",
    "evaluate",
    "evaluate_bool",
    "free_names",
    "validate",
]
