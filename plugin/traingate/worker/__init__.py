"""The children: training worker and yardstick. They are run by path; nobody imports them.

Standard library and torch only (the yardstick: numpy), since a child may run under an
interpreter that has nothing else.
"""
