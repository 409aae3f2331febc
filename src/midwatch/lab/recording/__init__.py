"""From a run that took place to a scenario."""
