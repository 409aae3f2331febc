"""The command line: parse, call a use case, render."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    import os

    try:
        from midwatch.cli.wall import leave, run

        code = run()
    except KeyboardInterrupt:  # before there was anything to interrupt, or a second time
        os._exit(130)
    leave(code)
