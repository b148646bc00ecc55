"""Handle files and texts that others may have written, damaged or chosen."""
