"""Another commit of the project: checked out, imported from, and removed again."""
