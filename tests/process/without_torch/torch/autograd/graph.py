"""The hooks of what forward keeps for backward; here that is nothing."""


class saved_tensors_hooks:  # noqa: N801 - torch's name
    """A context in which nothing is kept."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None
