"""Benchmarks: ratios against a floor in the same run. `make bench` writes RESULTS.md and results.json."""
