"""The one form of sound that windows come in: signed 16 bit little endian, mono, 16 kHz, no header."""

SAMPLE_RATE = 16_000
BYTES_PER_SECOND = 2 * SAMPLE_RATE


def seconds(size: int) -> float:
    """How long so many bytes of sound last."""
    return size / BYTES_PER_SECOND
