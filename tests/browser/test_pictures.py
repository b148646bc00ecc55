"""Open the reports of a real ladder and of a real regression, and photograph them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
pictures = pytest.importorskip("pictures")
pytestmark = [pytest.mark.long, pytest.mark.timed]


def test_reports_of_real_runs_open_without_a_complaint(tmp_path):
    folder = Path(os.environ.get("TRAINGATE_PICTURES") or tmp_path)
    pictures.main(folder)
    names = {path.stem for path in folder.glob("report-*.png") if path.stat().st_size > 10_000}
    expected = {
        f"report-{page}-{view}" for page in ("ladder", "regression") for view in pictures.VIEWS
    }
    assert names >= expected
