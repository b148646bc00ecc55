"""The base class of what sees every operator; here there are none."""


class TorchDispatchMode:
    """A context that nothing is dispatched to."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None
