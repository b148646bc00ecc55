"""The modules of torch.utils that a worker imports."""
