"""The classes of torch.nn that a worker asks for."""


class Module:
    """A model; no training here has one."""


class ModuleDict:
    """Several models by name; no training here has them."""
