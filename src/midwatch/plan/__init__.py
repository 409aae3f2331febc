"""The compiled runbook: immutable, named by its digest, so complete that running makes no choices."""
