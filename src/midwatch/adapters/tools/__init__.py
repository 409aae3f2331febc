"""The tools of this host: manifests, readings, and what acts, in children that die with us."""
