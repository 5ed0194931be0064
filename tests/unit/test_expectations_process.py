"""Great Expectations' process: what it does not import until something of it is used."""

import subprocess
import sys

from dagster_project.quality.process import _ImportedWhenUsed
from dagster_project.settings import child_environment


def test_a_module_is_imported_when_something_of_it_is_used_and_not_before(monkeypatch):
    stand_in = _ImportedWhenUsed("colorsys")
    monkeypatch.setitem(sys.modules, "colorsys", stand_in)
    import colorsys

    assert not hasattr(colorsys, "__file__")  # as `inspect` asks of every module
    assert sys.modules["colorsys"] is stand_in
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    assert sys.modules["colorsys"] is not stand_in


def test_a_file_beside_deliveries_is_no_part_of_the_program(tmp_path):
    (tmp_path / "colorsys.py").write_text("raise ImportError('imported from among deliveries')")
    asked = [sys.executable, "-c", "import colorsys"]
    done = subprocess.run(asked, cwd=tmp_path, env=child_environment(), check=False)
    assert done.returncode == 0
