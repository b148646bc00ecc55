"""Follow the throughput of benchmarks over commits, and find where it has changed."""
