"""Define ``traingate completion``: the script by which a shell completes the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_TRAINGATE_COMPLETE"
"""Variable by which click's scripts ask the command for completions."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and saved runs in a SHELL.

    For bash: eval "$(traingate completion bash)" in ~/.bashrc; alike for zsh in ~/.zshrc. For fish:
    traingate completion fish > ~/.config/fish/completions/traingate.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "traingate", _VARIABLE).source())
