"""Write how to have a stack without traingate: variables, command, lines of PyTorch, the test."""
