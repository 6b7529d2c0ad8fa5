"""Choosing a recogniser and loading it."""

from collections.abc import Callable
from dataclasses import replace

from vidmesh_transcribe.models import Model, find
from vidmesh_transcribe.recognizer import Choice, Engine, ModelMissingError, Options, Recognizer
from vidmesh_transcribe.sphinx import HONEST_LABEL, PocketSphinx
from vidmesh_transcribe.whisper import FasterWhisper


def open_recognizer(options: Options, tell: Callable[[str], None]) -> Recognizer:
    """Load what `options` ask for; `tell` hears of what takes time. Raises `ModelMissingError`."""
    if options.settled is not None:
        return _reopened(options, options.settled)
    if options.choice is Choice.POCKETSPHINX:
        return PocketSphinx()
    try:
        return FasterWhisper(find(options, tell), options)
    except ModelMissingError as missing:
        if options.choice is not Choice.AUTO:
            raise
        return PocketSphinx(notice=f"{missing} {HONEST_LABEL}")


def _reopened(options: Options, engine: Engine) -> Recognizer:
    if engine.name == Choice.POCKETSPHINX:
        return PocketSphinx(notice=engine.notice)
    model = Model(name=engine.model, folder=engine.folder, revision=engine.revision)
    return FasterWhisper(model, replace(options, device=engine.device), notice=engine.notice)
