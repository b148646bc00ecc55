"""Ordinary training script, which does not use traingate.

It reads a line from stdin before each step, and prints the seconds of the whole loop body after it.
"""

import sys
import time

import torch
import torchvision
from torch.utils.data import DataLoader, Dataset


class Images(Dataset):
    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return torch.randn(3, 64, 64), index % 10


model = torchvision.models.resnet18()
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters())
loader = iter(DataLoader(Images(), batch_size=8))
for _line in sys.stdin:
    start = time.perf_counter()
    x, y = next(loader)
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    print(time.perf_counter() - start, flush=True)
