"""The child processes: training worker and yardstick. They are run by path and never imported.

They import the standard library and torch only (the yardstick: numpy), because an interpreter that
runs them may have nothing else installed.
"""
