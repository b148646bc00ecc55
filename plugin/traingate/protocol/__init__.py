"""The messages between the controller and its children. Standard library only."""
