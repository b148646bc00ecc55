"""How a run of pytest ends: by a signal, early, or with an exit status that must not be 0."""
