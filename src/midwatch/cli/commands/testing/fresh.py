"""`midwatch test new`: a run of this house as a scenario."""

from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.app.change import loaded
from midwatch.cli.errors import FileInTheWayError
from midwatch.cli.face import Face
from midwatch.cli.looking import events_of
from midwatch.cli.names import run_named
from midwatch.lab.recording.record import recorded

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened


def write_scenario(face: Face, opened: "Opened", text: str, *, name: str, output: Path | None) -> None:
    """Write the scenario of a run to a file, else to standard output.

    Raises:
        RunUnknownError: MW611; AmbiguousError: MW942; NotRecordableError: MW657.
        FileInTheWayError: MW946, the file is there already, or can't be written.
    """
    house = opened.house
    run = run_named(house, text)
    plan, _ = loaded(house, run)
    scenario = recorded(plan, events_of(house, run), house.tools.manifests, name=name or f"as in {run}")
    if output is None:
        face.out({"run": run, "scenario": scenario}, lambda screen: screen.raw(scenario))
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(scenario)
    except OSError as error:
        raise FileInTheWayError(f"{output} can't be written: {error.strerror}", path=str(output)) from error
    face.out({"run": run, "file": str(output)}, lambda screen: screen.line(f"wrote  {output}"))
