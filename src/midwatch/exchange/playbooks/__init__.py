"""Playbooks and automations of other systems as runbooks."""
