"""Options that several verbs have.

What belongs here: an option's name and help, once. What does not: verbs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="The company's folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
