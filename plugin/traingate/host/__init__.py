"""Facts that the operating system tells about this machine and its software."""
