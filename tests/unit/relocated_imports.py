"""Run a program whose imports are relocated to the other tree of a project."""

import subprocess
import sys
import textwrap


def run(trees, program):
    prelude = f"""
        import sys
        from traingate.worktree.relocation import Relocation
        relocation = Relocation({str(trees / "project")!r}, {str(trees / "worktree")!r})
        sys.path.insert(0, {str(trees / "project" / "src")!r})  # as an editable install does
    """
    text = textwrap.dedent(prelude) + textwrap.dedent(program)
    process = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False
    )
    return process.stdout.split() or [process.stderr.splitlines()[-1]]
