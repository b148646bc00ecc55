"""Ordinary training script, which does not use traingate: ``plain_loop.py KIND WORKERS``.

It reads a number of steps from each line of standard input, takes them one after the other, and prints
the seconds of all of them together. With data workers, it takes more steps before these.
"""

import sys
import time

import torch
import torchvision
from torch.utils.data import DataLoader, Dataset


class Images(Dataset):
    def __init__(self, read_seconds):
        self.read_seconds = read_seconds

    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        if self.read_seconds:
            time.sleep(self.read_seconds)
        return torch.randn(3, 64, 64), index % 10


def main():
    kind, workers = sys.argv[1], int(sys.argv[2])
    if kind == "compute-bound":
        model = torchvision.models.resnet18()
        dataset = Images(0.0)
    else:
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 512))
        dataset = Images(0.004)
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters())
    loader = iter(DataLoader(dataset, batch_size=8, num_workers=workers))
    for line in sys.stdin:
        # The batches that were ready when this process was stopped are no part of the time.
        for number in range(-3 * workers, int(line)):
            if number == 0:
                start = time.perf_counter()
            x, y = next(loader)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
