"""`midwatch server`."""

import click

from midwatch.cli.face import Face, pass_face


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Of the health endpoint, on 127.0.0.1.")
@pass_face
def server(face: Face, port: int | None) -> int:
    """Watch timers and drive runs until stopped.

    Questions escalate by themselves then, retries come due, and what a dead process left behind is taken
    over. GET http://127.0.0.1:4747/healthz says whether it is well. Ctrl-C or SIGTERM stops it.
    """
    from midwatch.cli.serving import serve

    return serve(face, face.config.port if port is None else port)
