"""The transcribe service: windows of sound in, timed text out."""
