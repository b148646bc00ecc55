"""Messages and connections between the controller and its child processes.

The children import this package too, under an interpreter that may lack the dependencies of
pytest-traingate, so it imports the standard library alone.
"""
