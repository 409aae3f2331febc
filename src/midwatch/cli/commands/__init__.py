"""The subcommands; each module is imported when one of its own is called."""
