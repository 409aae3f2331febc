"""The language as one table of keys; their order, the JSON Schema and the reference come from it."""
