"""An LSTM that classifies sequences of mixed length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from traingate import TrainingSetup

if TYPE_CHECKING:
    import torch


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        width: Number of features of the hidden state.
        longest: Length of the longest sequence; the shortest has a quarter of it.
        batch_size: Samples per step.
    """

    width: int
    longest: int
    batch_size: int


SIZES = {"smoke": Size(32, 16, 4), "quick": Size(256, 64, 32), "seed": Size(512, 256, 64)}
FEATURES = 32
CLASSES = 10


class RandomSequences:
    """A million random sequences, whose length and class follow from their index."""

    def __init__(self, longest: int) -> None:
        self._shortest, self._longest = longest // 4, longest

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        import torch  # noqa: PLC0415 - only in the worker

        lengths = self._longest - self._shortest + 1
        return torch.randn(self._shortest + index * 7 % lengths, FEATURES), index % CLASSES


def padded(samples: list[Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the sequences of a batch, padded to the longest one, their lengths and classes."""
    import torch  # noqa: PLC0415 - only in the worker
    from torch.nn.utils.rnn import pad_sequence  # noqa: PLC0415 - only in the worker

    sequences, classes = zip(*samples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(list(sequences), batch_first=True), lengths, torch.tensor(classes)


def sequence_loss(model: Any, batch: Any, criterion: Any) -> torch.Tensor:
    """Return the loss of the predicted classes."""
    sequences, lengths, classes = batch
    loss: torch.Tensor = criterion(model(sequences, lengths), classes)
    return loss


def _classifier(size: Size) -> Any:
    """Return the model, whose inputs are padded sequences and their lengths."""
    import torch  # noqa: PLC0415 - only in the worker
    from torch.nn.utils.rnn import pack_padded_sequence  # noqa: PLC0415 - only in the worker

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(FEATURES, size.width, num_layers=2, batch_first=True)
            self.head = torch.nn.Linear(size.width, CLASSES)

        def forward(self, sequences: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            packed = pack_padded_sequence(
                sequences, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            _, (hidden, _) = self.lstm(packed)
            scores: torch.Tensor = self.head(hidden[-1])
            return scores

    return Classifier()


def sequences(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of an LSTM with cross-entropy and Adam.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker

    size = SIZES[scale]
    model = _classifier(size)
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-3),
        dataset=RandomSequences(size.longest),
        batch_size=batch_size or size.batch_size,
        collate_fn=padded,
        train_step=sequence_loss,
    )
