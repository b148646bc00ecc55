"""Gate pull requests on GitHub: measure, comment, and keep the runs of the main branch."""
