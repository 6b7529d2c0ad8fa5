"""A summary as it is written, made safe to show."""

from contextlib import aclosing

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure
from vidmesh_summarize.engine import RESTART, Brief, Engine, Source, Writing
from vidmesh_summarize.markdown import Cleaner


async def written(engine: Engine, source: Source, brief: Brief) -> Writing:
    """Stream a summary without links, HTML and moments beyond the video's end.

    Raises Failure as the engine does, and LANGUAGE_MODEL_GARBLED where nothing is left.
    """
    cleaner = Cleaner(source.duration)
    something = False
    async with aclosing(engine.summary(source, brief)) as pieces:
        async for piece in pieces:
            if piece is RESTART:
                cleaner = Cleaner(source.duration)
                something = False
                yield RESTART
            elif text := cleaner.feed(piece):
                something = something or bool(text.strip())
                yield text
    if rest := cleaner.finish():
        something = something or bool(rest.strip())
        yield rest
    if not something:
        raise Failure(
            ErrorReason.ERROR_REASON_LANGUAGE_MODEL_GARBLED, "The summary that was written holds no text."
        )
