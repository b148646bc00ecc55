"""The modules of torch, of which the trainings have none."""


class Module:
    """A module."""


class ModuleDict(dict):
    """A collection of models, which no training here has."""
