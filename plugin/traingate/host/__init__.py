"""Read facts about this machine and its software from the operating system."""
