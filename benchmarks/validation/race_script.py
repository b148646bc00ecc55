"""Compare the script that a race prints with the race's own measurement of the winner.

Run it as ``python benchmarks/validation/race_script.py RACE``, with a record of ``traingate tune``
on one of the workloads below. The script is that of ``--script``, started by the printed command;
its own parts are those of the workload, written without traingate.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec

from script_ratio import log_ratio
from traingate.controller.job import Job, LaunchPlan
from traingate.controller.scales import SCALES
from traingate.environments.placement import place
from traingate.environments.registry import Environments
from traingate.gate.statistics import mean_interval
from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import TrainingForm
from traingate.races.answer import answer
from traingate.races.files import read_race
from traingate.report.recipe.script import OPTIONS, OwnParts
from traingate.report.recipe.stored import stack_of_records
from traingate.workload import ObjectName

ROOT = Path(__file__).resolve().parents[2]

IMAGES = """
import torchvision

class Images:
    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return torch.randn(3, 224, 224), index % 10
"""

TOKENS = """
class Tokens:
    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return torch.randint(8_000, (128,)), index % 10

class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(8_000, 256)
        self.positions = torch.nn.Parameter(torch.zeros(128, 256))
        layer = torch.nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True)
        self.encoder = torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = torch.nn.Linear(256, 10)

    def forward(self, tokens):
        features = self.encoder(self.embedding(tokens) + self.positions)
        return self.head(features.mean(dim=1))
"""

CRITERION = "criterion = torch.nn.CrossEntropyLoss()"
ADAM = f"optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4{OPTIONS})"

PARTS = {
    "resnet": OwnParts(
        imports=IMAGES,
        model=f"model = torchvision.models.resnet50()\n{CRITERION}",
        optimizer=f"optimizer = torch.optim.SGD(model.parameters(){OPTIONS})",
        data="dataset = Images()\nbatch_size = 8",
    ),
    "transformer": OwnParts(
        imports=TOKENS,
        model=f"model = Classifier()\n{CRITERION}",
        optimizer=ADAM,
        data="dataset = Tokens()\nbatch_size = 16",
    ),
    "vision_transformer": OwnParts(
        imports=IMAGES,
        model=(
            "model = torchvision.models.VisionTransformer(image_size=224, patch_size=32, "
            "num_layers=6, num_heads=6, hidden_dim=384, mlp_dim=1536, num_classes=10)\n"
            f"{CRITERION}"
        ),
        optimizer=ADAM,
        data="dataset = Images()\nbatch_size = 8",
    ),
}
"""Own parts of the scripts at scale ``quick``, by the name of the workload."""


def main() -> None:
    """Print the ratio of the script's time to the worker's, with its interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("race", type=Path)
    parser.add_argument("--pairs", type=int, default=6)
    options = parser.parse_args()
    race = read_race(options.race)
    result = answer(race)
    assert result.winner is not None
    candidate = race.candidates[result.winner.candidate]
    file, _, function = race.plain.workload.partition("::")
    stack, paths = stack_of_records(candidate.layers), (str(ROOT / "benchmarks"),)
    placement = place(stack, Environments(), candidate.environment or None, lambda _: paths)
    with tempfile.TemporaryDirectory() as directory:
        job = Job(
            workload=ObjectName(str(ROOT / file), f"workloads.{Path(file).stem}", function),
            identity=race.plain.workload,
            stack=stack,
            scale=SCALES[race.plain.scale],
            launches=LaunchPlan(1, 1),
            compile_cache=Path(directory) / "kernels",
            import_paths=paths,
            request=msgspec.convert(candidate.process, ProcessRequest),
            environment=placement.environment,
        )
        form = msgspec.convert(race.form, TrainingForm)
        logs = []
        for number in range(options.pairs):
            folder = Path(directory) / str(number)
            folder.mkdir()
            logs.append(log_ratio(job, PARTS[function], form, folder))
            sys.stdout.write(f"pair {number + 1}: {math.exp(logs[-1]):.3f}\n")
            sys.stdout.flush()
    low, high = mean_interval(logs) or (math.nan, math.nan)
    mean = math.exp(statistics.fmean(logs))
    sys.stdout.write(f"script / worker: {mean:.3f} ({math.exp(low):.3f} to {math.exp(high):.3f})\n")


if __name__ == "__main__":
    main()
