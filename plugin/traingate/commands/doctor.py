"""Define ``traingate doctor``: say what this machine has and lacks for each layer."""

from __future__ import annotations

import click

from traingate.commands.output import print_json, print_on_console
from traingate.commands.shared_options import format_option
from traingate.doctor import examine
from traingate.report.doctor import print_findings


@click.command()
@format_option("Form of the findings.")
@click.option("--json", "as_json", is_flag=True, hidden=True, help="The same as --format=json.")
def doctor(*, form: str, as_json: bool) -> None:
    """Show what this machine has and lacks for each layer, and how to change that.

    This takes a second, measures nothing, and does not load torch.
    """
    findings = examine()
    if as_json or form == "json":
        print_json(findings)
        return
    print_on_console(lambda console: print_findings(console, findings))
