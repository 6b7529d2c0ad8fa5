"""Real recognisers in real processes: a Whisper from a folder, and PocketSphinx with the model of its wheel."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]  # it publishes no types
import pytest
from faster_whisper import WhisperModel, decode_audio
from numpy.typing import NDArray

from vidmesh_transcribe import wire
from vidmesh_transcribe.audio import SAMPLE_RATE
from vidmesh_transcribe.child import Limits, RecognizerChild
from vidmesh_transcribe.models import in_folder
from vidmesh_transcribe.recognizer import (
    Choice,
    ModelMissingError,
    Options,
    OutOfMemoryError,
    RecognizerCrashedError,
    UnsupportedLanguageError,
)
from vidmesh_transcribe.samples import samples
from vidmesh_transcribe.transcript import Segment
from vidmesh_transcribe.whisper import FasterWhisper

DATA = Path(__file__).parents[1] / "data"
WHISPER = Options(choice=Choice.FASTER_WHISPER, model=str(DATA / "whisper-tiny-vidmesh"), beam_size=1)
SPHINX = Options(choice=Choice.POCKETSPHINX)


def pcm(signal: NDArray[np.float32]) -> bytes:
    return np.clip(signal * 32767, -32768, 32767).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    """Half a minute of spoken sentences."""
    sound: NDArray[np.float32] = decode_audio(str(DATA / "grammar.flac"), sampling_rate=SAMPLE_RATE)
    return sound[: 30 * SAMPLE_RATE]


@pytest.fixture(params=[WHISPER, SPHINX], ids=["whisper", "sphinx"])
async def recognizer(request: pytest.FixtureRequest) -> AsyncIterator[RecognizerChild]:
    async with RecognizerChild(request.param, Limits()) as child:
        yield child


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    async def __call__(self, segment: Segment) -> None:
        self.segments.append(segment)


async def test_speech_becomes_segments_with_words_and_times(
    recognizer: RecognizerChild, speech: NDArray[np.float32]
) -> None:
    ear = Ear()
    hearing = await recognizer.recognize(pcm(speech), language="", heard=ear)
    assert hearing.language == "en"
    assert hearing.decides
    assert 10 < hearing.speech <= 31
    assert ear.segments
    reached = 0.0
    for segment in ear.segments:
        assert segment.text
        assert segment.text == segment.text.strip()
        assert reached <= segment.start < segment.end <= 31
        assert 0 < segment.confidence <= 1
        assert [word.text for word in segment.words] == segment.text.split()
        assert all(segment.start <= word.start <= word.end <= segment.end for word in segment.words)
        assert all(0 <= word.probability <= 1 for word in segment.words)
        reached = segment.start


def silence(_: np.random.Generator) -> NDArray[np.float32]:
    return np.zeros(20 * SAMPLE_RATE, np.float32)


def noise(rng: np.random.Generator) -> NDArray[np.float32]:
    return (0.05 * rng.standard_normal(20 * SAMPLE_RATE)).astype(np.float32)


def hum(rng: np.random.Generator) -> NDArray[np.float32]:
    time = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.2 * np.sin(2 * np.pi * 50 * time) + 0.05 * np.sin(2 * np.pi * 150 * time)
    return (tone + 0.002 * rng.standard_normal(len(time))).astype(np.float32)


def clicks(rng: np.random.Generator) -> NDArray[np.float32]:
    sound = np.zeros(20 * SAMPLE_RATE, np.float32)
    sound[rng.integers(0, len(sound), 40)] = 0.9
    return sound


def nothing(_: np.random.Generator) -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


async def test_no_text_is_invented_where_nobody_speaks(recognizer: RecognizerChild) -> None:
    for sound in (silence, noise, hum, clicks, nothing):
        ear = Ear()
        made = sound(np.random.default_rng(7))
        hearing = await recognizer.recognize(pcm(made), language="", heard=ear)
        assert ear.segments == [], sound.__name__
        assert (hearing.language, hearing.speech) == ("", 0), sound.__name__


async def test_a_whisper_tells_who_it_is() -> None:
    async with RecognizerChild(WHISPER, Limits()) as child:
        engine = await child.engine()
    assert (engine.name, engine.model) == ("faster-whisper", "whisper-tiny-vidmesh")
    assert engine.revision.startswith("sha256:")
    assert len(engine.revision) == len("sha256:") + 64
    assert (engine.device, engine.languages, engine.notice) == ("cpu", ("en",), "")
    assert {"tiny", "small", "large-v3", "en-us"} <= {model.name for model in child.known}


async def test_pocketsphinx_is_honest_about_itself() -> None:
    async with RecognizerChild(SPHINX, Limits()) as child:
        engine = await child.engine()
    assert (engine.name, engine.model, engine.languages) == ("pocketsphinx", "en-us", ("en",))
    assert engine.revision.startswith("5.1")
    assert "US English only" in engine.notice


async def test_a_language_that_is_not_known_is_refused_and_the_process_stays(
    recognizer: RecognizerChild, speech: NDArray[np.float32]
) -> None:
    await recognizer.recognize(pcm(speech[: 5 * SAMPLE_RATE]), language="en-GB", heard=Ear())
    pid = recognizer.pid
    with pytest.raises(UnsupportedLanguageError, match="“de”"):
        await recognizer.recognize(pcm(speech), language="de", heard=Ear())
    await recognizer.recognize(pcm(speech[: 5 * SAMPLE_RATE]), language="en", heard=Ear())
    assert recognizer.pid == pid


async def test_sound_of_another_rate_is_heard_at_its_own_times(speech: NDArray[np.float32]) -> None:
    tripled = np.interp(
        np.arange(0, 10 * SAMPLE_RATE, 1 / 3), np.arange(10 * SAMPLE_RATE), speech[: 10 * SAMPLE_RATE]
    )
    plain, fast = Ear(), Ear()
    async with RecognizerChild(SPHINX, Limits()) as child:
        await child.recognize(pcm(speech[: 10 * SAMPLE_RATE]), language="", heard=plain)
        await child.recognize(pcm(tripled.astype(np.float32)), language="", heard=fast, rate=3 * SAMPLE_RATE)
    assert len(fast.segments) == len(plain.segments)
    assert fast.segments[0].start == pytest.approx(plain.segments[0].start, abs=0.2)
    assert fast.segments[-1].end == pytest.approx(plain.segments[-1].end, abs=0.2)


async def test_segments_come_before_the_window_is_done_and_a_crash_is_told(
    speech: NDArray[np.float32],
) -> None:
    """The process dies when the first segment is out: were the rest on the pipe already, the call would succeed."""
    async with RecognizerChild(WHISPER, Limits()) as child:
        heard: list[Segment] = []

        async def hear(segment: Segment) -> None:
            heard.append(segment)
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

        with pytest.raises(RecognizerCrashedError, match="SIGKILL"):
            await child.recognize(pcm(np.tile(speech, 6)), language="", heard=hear)
        assert heard
        again = Ear()
        await child.recognize(pcm(speech), language="", heard=again)
        assert again.segments


async def test_cancelling_kills_the_process_and_the_next_call_has_a_fresh_one(
    speech: NDArray[np.float32],
) -> None:
    async with RecognizerChild(SPHINX, Limits()) as child:
        await child.engine()
        pid = child.pid
        assert pid is not None
        call = asyncio.create_task(child.recognize(pcm(np.tile(speech, 10)), language="", heard=Ear()))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert child.pid is None
        assert not psutil.pid_exists(pid)
        ear = Ear()
        await child.recognize(pcm(speech), language="", heard=ear)
        assert ear.segments


async def test_a_process_that_says_nothing_is_taken_for_hung() -> None:
    async with RecognizerChild(SPHINX, Limits(silence=5)) as child:
        await child.engine()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(RecognizerCrashedError, match="did not say a word for 5 s"):
            await child.recognize(bytes(32_000), language="", heard=Ear())
        assert child.pid is None


async def test_a_process_that_has_grown_is_replaced() -> None:
    async with RecognizerChild(SPHINX, Limits(resident=1)) as child:
        await child.engine()
        first = child.pid
        await child.recognize(bytes(32_000), language="", heard=Ear())
        assert child.pid is None
        await child.recognize(bytes(32_000), language="", heard=Ear())
        assert first is not None
        assert not psutil.pid_exists(first)


async def test_an_idle_process_is_unloaded_and_the_engine_is_remembered() -> None:
    async with RecognizerChild(SPHINX, Limits(idle=0.05)) as child:
        engine = await child.engine()
        async with asyncio.timeout(60):
            while child.pid is not None:
                await asyncio.sleep(0.02)
        assert await child.engine() is engine
        assert child.pid is None
        await child.recognize(bytes(32_000), language="", heard=Ear())


async def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio\n"
        "from vidmesh_transcribe.child import Limits, RecognizerChild\n"
        "from vidmesh_transcribe.recognizer import Choice, Options\n"
        "async def main():\n"
        "    child = RecognizerChild(Options(choice=Choice.POCKETSPHINX), Limits())\n"
        "    await child.engine()\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(60):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("./no/such/folder", "no model.bin in"),
        ("enormous", "no Whisper model “enormous”"),
        ("tiny", "is not in the hub's cache and may not be downloaded"),
    ],
)
async def test_a_named_whisper_that_cannot_be_had_is_refused_with_the_reason(
    model: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    async with RecognizerChild(replace(WHISPER, model=model, download=False), Limits()) as child:
        with pytest.raises(ModelMissingError, match=reason):
            await child.engine()


async def test_a_folder_whose_model_is_damaged_is_refused(tmp_path: Path) -> None:
    for file in (DATA / "whisper-tiny-vidmesh").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.bin").write_bytes(b"no weights")
    async with RecognizerChild(replace(WHISPER, model=str(tmp_path)), Limits()) as child:
        with pytest.raises(ModelMissingError, match="cannot be loaded"):
            await child.engine()


async def test_a_model_in_the_hubs_cache_is_taken_with_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--Systran--faster-whisper-tiny"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for file in (DATA / "whisper-tiny-vidmesh").iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    async with RecognizerChild(Options(choice=Choice.AUTO, model="tiny"), Limits()) as child:
        engine = await child.engine()
    assert (engine.name, engine.model, engine.revision) == ("faster-whisper", "tiny", commit)
    assert [model.available for model in child.known if model.name == "tiny"] == [True]


async def test_auto_falls_back_when_the_hub_does_not_answer_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{mute.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with RecognizerChild(Options(model="tiny", hub_patience=0.5), Limits()) as child:
            engine = await child.engine()
    assert engine.name == "pocketsphinx"
    assert "the hub did not answer in 0.5 s" in engine.notice
    assert "PocketSphinx" in engine.notice


async def test_auto_falls_back_when_the_hub_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with RecognizerChild(Options(model="tiny", hub_patience=5), Limits()) as child:
        engine = await child.engine()
    assert engine.name == "pocketsphinx"
    assert "its hub cannot be reached" in engine.notice


async def test_a_second_child_takes_the_first_ones_engine() -> None:
    async with (
        RecognizerChild(SPHINX, Limits()) as first,
        RecognizerChild(Options(model="enormous", download=False), Limits(), same_as=first) as second,
    ):
        await second.recognize(bytes(32_000), language="", heard=Ear())
        assert await second.engine() == await first.engine()
        assert second.pid != first.pid


def test_speech_is_found_once_and_gives_what_the_librarys_own_filter_gives(
    speech: NDArray[np.float32],
) -> None:
    """Silence of more than two seconds is cut out, and times are those of the whole."""
    gap = np.zeros(5 * SAMPLE_RATE, np.float32)
    sound = np.concatenate(
        [gap, speech[: 8 * SAMPLE_RATE], gap, speech[8 * SAMPLE_RATE : 15 * SAMPLE_RATE], gap]
    )
    ours = FasterWhisper(in_folder(DATA / "whisper-tiny-vidmesh"), WHISPER)
    hearing, segments = ours.recognize(pcm(sound), "en")
    library = WhisperModel(str(DATA / "whisper-tiny-vidmesh"), device="cpu", compute_type="int8")
    wanted, info = library.transcribe(
        samples(pcm(sound)),
        language="en",
        beam_size=1,
        word_timestamps=True,
        vad_filter=True,
        vad_parameters={"min_speech_duration_ms": 200},
        condition_on_previous_text=False,
    )
    assert hearing.speech == info.duration_after_vad < 20
    told = list(segments)
    expected = list(wanted)
    assert [s.text for s in told] == [s.text.strip() for s in expected]
    assert [(s.start, s.end) for s in told] == [(s.start, s.end) for s in expected]
    assert [[(w.start, w.end, w.text) for w in s.words] for s in told] == [
        [(w.start, w.end, w.word.strip()) for w in s.words] for s in expected
    ]
    assert told[0].start >= 4.5


async def test_stretches_decoded_at_once_become_sentences_with_word_times(
    speech: NDArray[np.float32],
) -> None:
    one, many = Ear(), Ear()
    sound = pcm(np.concatenate([speech, speech]))
    async with RecognizerChild(replace(WHISPER, batch_size=1), Limits()) as child:
        await child.recognize(sound, language="en", heard=one)
    async with RecognizerChild(replace(WHISPER, batch_size=4), Limits()) as child:
        assert (await child.engine()).batch_size == 4
        hearing = await child.recognize(sound, language="en", heard=many)
        silent = Ear()
        nothing = await child.recognize(bytes(640_000), language="", heard=silent)
    assert (nothing.speech, silent.segments) == (0.0, [])
    assert hearing.speech > 30
    assert len(many.segments) >= 0.6 * len(one.segments)
    reached = 0.0
    for segment in many.segments:
        assert [word.text for word in segment.words] == segment.text.split()
        assert segment.end - segment.start < 15
        assert reached <= segment.start < segment.end <= 60.5
        reached = segment.start
    expected = {word.text.lower() for segment in one.segments for word in segment.words}
    told = [word.text.lower() for segment in many.segments for word in segment.words]
    assert sum(text in expected for text in told) > 0.8 * len(told)


OWN = "tests.integration.own_recognizer"


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a recogniser's process import from the repository."""
    monkeypatch.setenv("PYTHONPATH", str(DATA.parents[1]))


@pytest.mark.usefixtures("importable")
async def test_a_recogniser_of_ones_own_is_named_by_its_module() -> None:
    options = Options(choice=f"{OWN}:Parrot", model="polly")
    async with RecognizerChild(options, Limits(idle=0.05)) as child:
        engine = await child.engine()
        assert (engine.name, engine.model) == ("parrot", "polly")
        ear = Ear()
        hearing = await child.recognize(bytes(64_000), language="", heard=ear)
        assert (hearing.speech, [segment.text for segment in ear.segments]) == (2.0, ["2 seconds"])
        assert child.known == ()
        async with asyncio.timeout(60):
            while child.pid is not None:
                await asyncio.sleep(0.02)
        await child.recognize(bytes(64_000), language="", heard=ear)
        assert len(ear.segments) == 2


@pytest.mark.parametrize("choice", ["no.such.module:Parrot", f"{OWN}:Owl"], ids=["no module", "no attribute"])
async def test_a_recogniser_of_ones_own_that_is_not_there_is_refused(choice: str) -> None:
    async with RecognizerChild(Options(choice=choice), Limits()) as child:
        with pytest.raises(ModelMissingError, match=f"no recogniser {choice}"):
            await child.engine()


@pytest.mark.usefixtures("importable")
async def test_want_of_memory_is_told_and_half_as_many_stretches_are_tried_in_a_fresh_process() -> None:
    options = Options(choice=f"{OWN}:Hungry", batch_size=8)
    async with RecognizerChild(options, Limits()) as child:
        await child.engine()
        pids = {child.pid}
        for batch in (8, 4):
            with pytest.raises(OutOfMemoryError, match=f"with {batch} stretches at once; {batch // 2} are"):
                await child.recognize(bytes(64_000), language="", heard=Ear())
            assert child.pid is None
        ear = Ear()
        await child.recognize(bytes(64_000), language="", heard=ear)
        assert [segment.text for segment in ear.segments] == ["2 at once"]
        assert child.pid not in pids


@pytest.mark.usefixtures("importable")
async def test_want_of_memory_with_one_stretch_is_told_as_it_is() -> None:
    async with RecognizerChild(Options(choice=f"{OWN}:Starving"), Limits()) as child:
        with pytest.raises(OutOfMemoryError, match=r"ran out of memory\. \(RuntimeError: CUDA failed"):
            await child.recognize(bytes(64_000), language="", heard=Ear())
    assert wire.failure(OutOfMemoryError("short")).retryable
