"""Groups of subcommands of the command ``traingate``."""
