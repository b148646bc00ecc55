"""The modules of torch.backends that a worker imports."""
