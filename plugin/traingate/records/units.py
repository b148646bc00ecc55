"""What a throughput costs."""


def samples_per_dollar(samples_per_second: float, usd_per_hour: float) -> float:
    """Samples trained for one US dollar on a machine of that hourly price."""
    return samples_per_second * 3600 / usd_per_hour
