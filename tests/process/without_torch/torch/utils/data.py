"""The data loader, in the process that trains."""

import itertools


class IterableDataset:
    """Dataset without a length."""


class DataLoader:
    """Batches of a dataset, in its order; a shorter last one is dropped."""

    num_workers = 0
    prefetch_factor = None

    def __init__(self, dataset, batch_size, drop_last=True, collate_fn=None):
        self._dataset, self._batch_size = dataset, batch_size

    def __len__(self):
        return len(self._dataset) // self._batch_size

    def __iter__(self):
        size = self._batch_size
        if isinstance(self._dataset, IterableDataset):
            samples = iter(self._dataset)
            while len(batch := list(itertools.islice(samples, size))) == size:
                yield batch
            return
        for start in range(0, len(self._dataset) - size + 1, size):
            yield [self._dataset[index] for index in range(start, start + size)]
