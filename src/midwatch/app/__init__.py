"""Use cases: the driver, answering, starting, auditing."""
