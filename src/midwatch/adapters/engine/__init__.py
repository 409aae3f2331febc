"""Durable queues behind `ports.engine`: DBOS Transact, one file beside our own tables."""
