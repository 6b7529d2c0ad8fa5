"""Choosing a recogniser and loading it. Each brings libraries that weigh tens of megabytes: what is not taken is not imported."""

import importlib
from collections.abc import Callable
from dataclasses import replace

from vidmesh_transcribe.recognizer import Choice, Engine, ModelMissingError, Options, Recognizer


def open_recognizer(options: Options, tell: Callable[[str], None]) -> Recognizer:
    """Load what `options` ask for; `tell` hears of what takes time. Raises `ModelMissingError`."""
    if is_own(options.choice):
        return _own(options)
    if options.settled is not None:
        return _reopened(options, options.settled)
    if options.choice == Choice.POCKETSPHINX:
        return _sphinx("")
    try:
        return _whisper(options, tell)
    except ModelMissingError as missing:
        if options.choice != Choice.AUTO:
            raise
        return _sphinx(f"{missing} ")


def is_own(choice: str) -> bool:
    """Whether it names a recogniser of one's own."""
    return ":" in choice


def _own(options: Options) -> Recognizer:
    module, _, attribute = options.choice.partition(":")
    try:
        made: Recognizer = getattr(importlib.import_module(module), attribute)(options)
    except (ImportError, AttributeError) as error:
        raise ModelMissingError(f"There is no recogniser {options.choice}: {error}.") from error
    return made


def _whisper(options: Options, tell: Callable[[str], None]) -> Recognizer:
    from vidmesh_transcribe.models import find  # noqa: PLC0415 - see the module
    from vidmesh_transcribe.whisper import FasterWhisper  # noqa: PLC0415

    return FasterWhisper(find(options, tell), options)


def _sphinx(reason: str) -> Recognizer:
    from vidmesh_transcribe.sphinx import HONEST_LABEL, PocketSphinx  # noqa: PLC0415 - see the module

    return PocketSphinx(notice=reason + HONEST_LABEL if reason else "")


def _reopened(options: Options, engine: Engine) -> Recognizer:
    from vidmesh_transcribe.models import Model  # noqa: PLC0415 - see the module
    from vidmesh_transcribe.sphinx import PocketSphinx  # noqa: PLC0415
    from vidmesh_transcribe.whisper import FasterWhisper  # noqa: PLC0415

    if engine.name == Choice.POCKETSPHINX:
        return PocketSphinx(notice=engine.notice)
    model = Model(name=engine.model, folder=engine.folder, revision=engine.revision)
    return FasterWhisper(model, replace(options, device=engine.device), notice=engine.notice)
