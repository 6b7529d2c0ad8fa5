"""What sound is between the stages: signed 16 bit, in the machine's order, mono."""

RATE = 16_000
"""Samples a second."""

WIDTH = 2
"""Bytes of a sample."""
