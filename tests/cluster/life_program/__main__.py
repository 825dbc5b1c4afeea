"""The stack of this repository, with certificates of the day in the file `today`."""

import datetime
import functools
import runpy
from pathlib import Path

import components as mm
from project import ROOT

today = datetime.date.fromisoformat(Path("today").read_text())
vars(mm)["ModelMeshServingArgs"] = functools.partial(mm.ModelMeshServingArgs, today=today)
runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
