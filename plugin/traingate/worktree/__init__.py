"""Check out another commit of the project, import the project from there, and clean up."""
