"""The child processes: the controller runs ``main.py`` and ``yardstick.py`` by path.

They import the standard library and torch only (the yardstick: numpy), because an interpreter that
runs them may have nothing else installed. They use torch_xla only if a layer has imported it.
"""
