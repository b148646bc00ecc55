"""A recommender: embeddings of categories, with sparse gradients, and a small perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from traingate import TrainingSetup

if TYPE_CHECKING:
    import torch


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        rows: Number of rows of each table of embeddings.
        width: Number of features of an embedding.
        batch_size: Samples per step.
    """

    rows: int
    width: int
    batch_size: int


SIZES = {
    "smoke": Size(1_000, 16, 16),
    "quick": Size(200_000, 64, 512),
    "seed": Size(2_000_000, 64, 2048),
}
TABLES = 8
NUMBERS = 13


class RandomVisits:
    """A million random visits: numbers, a category for each table, and whether it was a click."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, float]:
        import torch  # noqa: PLC0415 - only in the worker

        return torch.rand(NUMBERS), torch.randint(self._rows, (TABLES,)), float(index % 2)


def click_loss(model: Any, batch: Any, criterion: Any) -> torch.Tensor:
    """Return the loss of the predicted clicks."""
    numbers, categories, clicks = batch
    loss: torch.Tensor = criterion(model(numbers, categories), clicks.to(numbers.dtype))
    return loss


def _ranker(size: Size) -> Any:
    """Return the model, whose inputs are numbers and categories."""
    import torch  # noqa: PLC0415 - only in the worker

    class Ranker(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tables = torch.nn.ModuleList(
                torch.nn.Embedding(size.rows, size.width, sparse=True) for _ in range(TABLES)
            )
            self.perceptron = torch.nn.Sequential(
                torch.nn.Linear(NUMBERS + TABLES * size.width, 256),
                torch.nn.ReLU(),
                torch.nn.Linear(256, 1),
            )

        def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
            columns = categories.unbind(dim=1)
            features = [table(column) for table, column in zip(self.tables, columns, strict=True)]
            scores: torch.Tensor = self.perceptron(torch.cat([numbers, *features], dim=1))
            return scores.squeeze(1)

    return Ranker()


def recommender(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of a recommender with binary cross-entropy and SGD.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker

    size = SIZES[scale]
    model = _ranker(size)
    return TrainingSetup(
        model=model,
        criterion=torch.nn.BCEWithLogitsLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        dataset=RandomVisits(size.rows),
        batch_size=batch_size or size.batch_size,
        train_step=click_loss,
    )
