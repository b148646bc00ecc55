"""Write the HTML report: one page with verdicts, measurements, sweeps and history."""

from traingate.report.html.render import render_report

__all__ = ["render_report"]
