"""Environments: interpreters with packages of their own, in which stacks run."""
