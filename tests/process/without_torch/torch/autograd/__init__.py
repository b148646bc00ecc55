"""The modules of torch.autograd that a worker imports."""
