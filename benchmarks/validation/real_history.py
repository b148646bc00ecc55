"""Measure the history of a small repository of 20 commits, and print it.

Run it as ``python benchmarks/validation/real_history.py``; docs/evidence/gate.md has its output
under "A real history". The training becomes slower by creep over five commits, by a jump that is
accepted, and by one that is not. This takes about six minutes, on a machine that is idle otherwise.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

MODEL: Final = """
import torch
from traingate import TrainingSetup

LOOPS = {loops}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(512, 512)

    def forward(self, x):
        with torch.no_grad():
            for _ in range(LOOPS):
                self.layer(x)
        return self.layer(x)


def net(batch_size: int = 64) -> TrainingSetup:
    model = Net()
    return TrainingSetup(
        model,
        torch.nn.CrossEntropyLoss(),
        torch.optim.SGD(model.parameters(), lr=0.1),
        [(torch.randn(512), n % 10) for n in range(512)],
        batch_size,
    )
"""
TEST: Final = """
from models import net

def test_net(training_benchmark):
    training_benchmark(net)
"""
ACCEPTED: Final = "a better model"
JUMP: Final = "a slow loss"
CREEP: Final = "creep"
OPTIONS: Final = ("-q", "-p", "no:cacheprovider")


def commits() -> list[tuple[str, float]]:
    """Return the subject of each commit, and the time of a step relative to the first one's."""
    time = 1.0
    plan = [(f"flat {number}", time) for number in range(5)]
    for number in range(5):
        time /= 0.95
        plan.append((f"{CREEP} {number}", time))
    plan += [(f"flat after creep {number}", time) for number in range(3)]
    time /= 0.75
    plan.append((ACCEPTED, time))
    plan += [(f"flat after it {number}", time) for number in range(3)]
    time /= 0.75
    plan.append((JUMP, time))
    return [*plan, ("flat again", time), ("the end", time)]


def measure(folder: Path) -> str:
    """Make the repository, measure each commit, and return the history as JSON.

    Args:
        folder: Empty folder for the repository.
    """
    _run(folder, "git", "init", "--quiet")
    (folder / "test_speed.py").write_text(TEST)
    (folder / ".gitignore").write_text(".benchmarks\n__pycache__\n")
    for number, (subject, time) in enumerate(commits()):
        loops = round(400 * time)
        (folder / "models.py").write_text(f"# {subject}\n{MODEL.format(loops=loops)}")
        _run(folder, "git", "add", "--all")
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        _run(folder, "git", *identity, "commit", "--quiet", "-m", subject)
        command = [sys.executable, "-m", "pytest", *OPTIONS, f"--benchmark-save=run{number}"]
        if subject == ACCEPTED:
            _run(folder, *command, "--benchmark-compare", "--traingate-anchor=none", fails=True)
            _run(folder, *_traingate("accept", f"--reason={ACCEPTED}"))
        else:
            _run(folder, *command)
    return _run(folder, *_traingate("history", "--format=json"), fails=True)


def _traingate(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "from traingate.cli import main; main()", *arguments)


def _run(folder: Path, *command: str, fails: bool = False) -> str:
    """Return the output of a command; exit with it if it does not end as expected."""
    process = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if bool(process.returncode) is not fails:
        output = f"{process.stdout}{process.stderr}"
        raise SystemExit(f"{command} ended with {process.returncode}:\n{output}")
    return process.stdout


def main() -> None:
    """Print the history as text, and write the report if a file is named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(folder)
        sys.stdout.write(_run(folder, *_traingate("history"), fails=True))
        if len(sys.argv) > 1:
            _run(folder, *_traingate("report", "-o", str(Path(sys.argv[1]).resolve())))


if __name__ == "__main__":
    main()
