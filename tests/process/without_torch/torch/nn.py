"""The classes of torch.nn that a worker asks for."""


class ModuleDict:
    """Several models by name; no training here has them."""
