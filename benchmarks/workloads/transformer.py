"""A transformer encoder that classifies sequences of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from traingate import TrainingSetup

if TYPE_CHECKING:
    import torch


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        layers: Number of encoder layers.
        width: Number of features of a token.
        tokens: Length of a sequence.
        batch_size: Samples per step.
    """

    layers: int
    width: int
    tokens: int
    batch_size: int


SIZES = {
    "smoke": Size(2, 64, 32, 4),
    "quick": Size(4, 256, 128, 16),
    "seed": Size(12, 768, 512, 16),
}
VOCABULARY = 8_000
CLASSES = 10


class RandomTokens:
    """A million random sequences: int64 of shape ``[tokens]``, with the class ``index % 10``."""

    def __init__(self, tokens: int) -> None:
        import torch  # noqa: PLC0415 - only in the worker

        self._draw = torch.randint
        self._shape = (tokens,)

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._draw(VOCABULARY, self._shape), index % CLASSES


def _encoder(size: Size) -> Any:
    """Return the model, whose input are the tokens of a batch."""
    import torch  # noqa: PLC0415 - only in the worker

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(VOCABULARY, size.width)
            self.positions = torch.nn.Parameter(torch.zeros(size.tokens, size.width))
            layer = torch.nn.TransformerEncoderLayer(
                size.width, size.width // 32, 4 * size.width, dropout=0.0, batch_first=True
            )
            self.encoder = torch.nn.TransformerEncoder(
                layer, size.layers, enable_nested_tensor=False
            )
            self.head = torch.nn.Linear(size.width, CLASSES)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            features = self.encoder(self.embedding(tokens) + self.positions)
            scores: torch.Tensor = self.head(features.mean(dim=1))
            return scores

    return Classifier()


def transformer(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of a transformer encoder with cross-entropy and AdamW.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker

    size = SIZES[scale]
    model = _encoder(size)
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-4),
        dataset=RandomTokens(size.tokens),
        batch_size=batch_size or size.batch_size,
    )
