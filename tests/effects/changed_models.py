"""One training in many versions, each with a change that makes its steps slower."""

from __future__ import annotations

import time

from traingate import TrainingSetup

CLASSES = 10
PIXELS = 32
WIDTH = 96
TOKENS = 64


class Samples:
    """Data set of seeded tensors, which a version may load slowly."""

    def __init__(self, shape: tuple[int, ...], load_seconds: float = 0.0) -> None:
        self._shape, self._load_seconds = shape, load_seconds

    def __len__(self):
        return 100_000

    def __getitem__(self, index):
        import torch

        if self._load_seconds:
            self._decode()
        generator = torch.Generator().manual_seed(index)
        return torch.randn(*self._shape, generator=generator), index % CLASSES

    def _decode(self):
        time.sleep(self._load_seconds)


def convolutions(
    *,
    copies: bool = False,
    doubled_stage: str = "",
    breaks_graph: bool = False,
    frozen_stage: str = "",
    load_seconds: float = 0.0,
    optimizer: str = "SGD",
    items: bool = False,
    threads: int = 0,
    extra_parameters: int = 0,
    batch_size: int = 16,
) -> TrainingSetup:
    """Return a training of two stages of residual blocks.

    Args:
        copies: Whether each block copies its input into another layout and back, six times.
        doubled_stage: Stage whose blocks have twice as many convolutions.
        breaks_graph: Whether the blocks of the second stage break the graph of a compiler.
        frozen_stage: Stage whose parameters are not trained.
        load_seconds: Time that a sample waits in ``__getitem__``, in seconds.
        optimizer: Class of the optimizer.
        items: Whether the norm of each gradient is read by ``item()``.
        threads: Number of threads, 0 for the default.
        extra_parameters: Number of parameters that take more time in the optimizer than in the model.
        batch_size: Samples per batch.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    model = _blocks(
        copies=copies,
        doubled_stage=doubled_stage,
        breaks_graph=breaks_graph,
        extra_parameters=extra_parameters,
    )
    if frozen_stage:
        model.get_submodule(frozen_stage).requires_grad_(False)
        model.stem.requires_grad_(False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer_class = getattr(torch.optim, optimizer)
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=optimizer_class(trained, lr=1e-3),
        dataset=Samples((3, PIXELS, PIXELS), load_seconds),
        batch_size=batch_size,
        train_step=_reading_step if items else None,
    )


def _blocks(*, copies: bool, doubled_stage: str, breaks_graph: bool, extra_parameters: int):
    """Return the model of ``convolutions``, which has the same arguments."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, channels: int, *, doubled: bool, breaks: bool) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
            self.norm = nn.BatchNorm2d(channels)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
            more = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2 * doubled)]
            self.conv3 = nn.Sequential(*more)
            self._breaks = breaks

        def forward(self, x):
            for _ in range(6 * copies):
                x = x.transpose(1, 3).contiguous().transpose(1, 3).contiguous()
            y = torch.relu(self.norm(self.conv1(x)))
            if self._breaks:
                torch._dynamo.graph_break()
            return torch.relu(x + self.conv3(self.conv2(y)))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 3, padding=1)
            self.stage1 = self._stage("stage1", 32)
            self.widen = nn.Conv2d(32, 64, 2, stride=2)
            self.stage2 = self._stage("stage2", 64)
            self.head = nn.Linear(64, CLASSES)
            self.extra = nn.Parameter(torch.zeros(extra_parameters))

        @staticmethod
        def _stage(name: str, channels: int) -> nn.Sequential:
            doubled, breaks = name == doubled_stage, breaks_graph and name == "stage2"
            blocks = [Block(channels, doubled=doubled, breaks=breaks) for _ in range(3)]
            return nn.Sequential(*blocks)

        def forward(self, x):
            x = self.stage2(self.widen(self.stage1(self.stem(x))))
            return self.head(x.mean((2, 3))) + 1e-9 * self.extra.sum()

    return Net()


def _reading_step(model, batch, criterion):
    """Return the loss, after reading a number from each parameter as a log would."""
    x, y = batch
    loss = criterion(model(x), y)
    for _ in range(40):
        for parameter in model.parameters():
            parameter.detach().sum().item()
    return loss


def attention(*, python_norm: bool = False, batch_size: int = 8) -> TrainingSetup:
    """Return a training of a small transformer.

    Args:
        python_norm: Whether its layer norms are written in Python.
        batch_size: Samples per batch.
    """
    import torch
    from torch import nn

    class PythonNorm(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.weight, self.bias = (
                nn.Parameter(torch.ones(width)),
                nn.Parameter(torch.zeros(width)),
            )

        def forward(self, x):
            centred = x - x.mean(-1, keepdim=True)
            variance = (centred**2).mean(-1, keepdim=True)
            return centred / torch.sqrt(variance + 1e-5) * self.weight + self.bias

    norm = PythonNorm if python_norm else nn.LayerNorm

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = norm(WIDTH), norm(WIDTH)
            self.mixing = nn.Linear(WIDTH, WIDTH)
            self.inner, self.outer = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

        def forward(self, x):
            x = x + self.mixing(self.norm1(x))
            return x + self.outer(torch.relu(self.inner(self.norm2(x))))

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer() for _ in range(4))
            self.head = nn.Linear(WIDTH, CLASSES)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.head(x.mean(1))

    model = Encoder()
    return TrainingSetup(
        model=model,
        criterion=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=1e-3),
        dataset=Samples((TOKENS, WIDTH)),
        batch_size=batch_size,
    )
