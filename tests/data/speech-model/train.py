"""Train the small Whisper on the corpus for a given time, going on from OUT/checkpoint.pt if it is there.

    python train.py CORPUS.npz OUT --minutes 110

Short clips at random offsets of the position table teach the words cheaply, clips of a few sentences the order,
and whole 30 s windows, all that faster-whisper ever sends, come last. A letter-wise CTC on the encoder makes
the decoder's attention find its alignment. Weight matrices are trained by Muon, the rest by AdamW.
"""

# ruff: noqa: T201 -- a script that reports to its terminal

import argparse
import json
import math
import random
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- the name that torch's users know
from faster_whisper.feature_extractor import FeatureExtractor
from grammar import written
from network import WIDTH, network, tokens
from tokenizers import Tokenizer
from torch import Tensor, nn

RATE = 16_000
LETTERS = " abcdefghijklmnopqrstuvwxyz"
BLANK = len(LETTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the training: what its clips look like."""

    until: float
    """Share of the training time at which the phase ends."""
    clips: int
    """Clips in a batch."""
    fresh: int
    """How many of them are new. Where not all are, the encoder learns in its last layer alone, and what the
    layers below made of earlier clips is used again: long clips teach the decoder most and cost those most."""
    sentences: int
    """Sentences in a clip at most."""
    seconds: float
    """Length of a clip."""


PHASES = (
    Phase(until=0.15, clips=24, fresh=24, sentences=1, seconds=5.0),
    Phase(until=0.40, clips=20, fresh=20, sentences=3, seconds=10.0),
    Phase(until=1.00, clips=5, fresh=1, sentences=10, seconds=30.0),
)
KEPT = 400
"""Clips that are kept to be used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One training example."""

    audio: np.ndarray
    """float32 samples."""
    offset: int
    """Place of the clip's first encoder frame (20 ms) in the position table."""
    given: list[int]
    """What the decoder reads."""
    wanted: list[int]
    """What it should say after each; -100 where nothing is learnt."""
    letters: list[int]
    """The letters heard, for the CTC."""


class Corpus:
    """The spoken sentences, cut into clips at random."""

    def __init__(self, path: Path, tokenizer: Tokenizer, seed: int) -> None:
        stored = np.load(path)
        spoken = json.loads(path.with_suffix(".json").read_text())["texts"]
        ends = np.cumsum(stored["lens"])
        self._audio = np.split(stored["audio"], ends[:-1])
        self._tokens = [tokenizer.encode(" " + written(text)).ids for text in spoken]
        self._letters = [[LETTERS.index(letter) for letter in " " + text] for text in spoken]
        self._id = tokenizer.token_to_id
        self._rng = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def clip(self, phase: Phase) -> Clip:
        """A clip of sentences with pauses between them, sometimes with noise, rarely of noise alone."""
        rng, size = self._rng, int(phase.seconds * RATE)
        audio = np.zeros(size, np.float32)
        places = self._lay(audio, phase)
        if not places or rng.random() < 0.5:
            audio += self._noise.standard_normal(size, np.float32) * 10 ** rng.uniform(-4, -2.2)
        frames = int(phase.seconds * 50)
        offset = 0 if frames == 1500 or rng.random() < 0.3 else rng.randrange(1500 - frames)
        given, wanted = self._script(places, offset)
        return Clip(
            audio=audio,
            offset=offset,
            given=given,
            wanted=wanted,
            letters=[letter for index, _, _ in places for letter in self._letters[index]],
        )

    def _lay(self, audio: np.ndarray, phase: Phase) -> list[tuple[int, int, int]]:
        """Write sentences into `audio`; return each one's index, first and last sample."""
        rng, places = self._rng, []
        start = int(RATE * rng.choice((0, rng.uniform(0, 0.6), rng.uniform(0, phase.seconds * 0.2))))
        wanted = 0 if rng.random() < 0.03 else math.ceil(phase.sentences * rng.random() ** 0.5)
        while len(places) < wanted:
            index = rng.randrange(len(self._audio))
            speech = self._audio[index]
            if start + len(speech) > len(audio) - 800:
                break
            audio[start : start + len(speech)] = speech * np.float32(rng.uniform(0.3, 1.0) / 32768)
            places.append((index, start, start + len(speech)))
            start += len(speech) + int(RATE * rng.choice((rng.uniform(0.1, 0.5), rng.uniform(0.3, 1.5))))
        return places

    def _script(self, places: list[tuple[int, int, int]], offset: int) -> tuple[list[int], list[int]]:
        """What the decoder reads and what it should say after each."""
        rng, stamped = self._rng, self._rng.random() < 0.85
        zero, start, end = self._id("<|0.00|>"), self._id("<|startoftranscript|>"), self._id("<|endoftext|>")

        def stamp(sample: int) -> list[int]:
            return [min(zero + 1500, zero + offset + round(sample / 320))] if stamped else []

        before = []
        if rng.random() < 0.1:
            before = [self._id("<|startofprev|>"), *rng.choice(self._tokens)]
        said = [
            token
            for index, first, last in places
            for token in (*stamp(first), *self._tokens[index], *stamp(last))
        ]
        if not stamped:
            given = [*before, start, self._id("<|notimestamps|>"), *said]
            return given, [-100] * (len(before) + 1) + [*said, end]
        if not places:  # the decoder is forced to a time stamp, but its first thought should be "no speech"
            return [*before, start, zero], [-100] * len(before) + [self._id("<|nospeech|>"), end]
        return [*before, start, *said], [-100] * len(before) + [*said, end]


class Muon(torch.optim.Optimizer):
    """Momentum whose step on a matrix is made orthogonal (Keller Jordan, 2024), at AdamW's step size."""

    def __init__(self, matrices: list[nn.Parameter], *, decay: float) -> None:
        super().__init__(matrices, {"lr": 0.0, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move every matrix; those of one shape together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in filter(lambda weight: weight.grad is not None, group["params"]):
                shapes.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in shapes.items():
                moves = self._orthogonal(torch.stack([self._momentum(m) for m in matrices]))
                size = 0.2 * math.sqrt(max(shape)) * group["lr"]
                for matrix, move in zip(matrices, moves, strict=True):
                    matrix.mul_(1 - group["lr"] * group["decay"]).add_(move, alpha=-size)

    def _momentum(self, matrix: nn.Parameter) -> Tensor:
        state = self.state[matrix]
        kept = state.setdefault("momentum", torch.zeros_like(matrix)).lerp_(matrix.grad, 0.05)
        return matrix.grad.lerp(kept, 0.95)

    @staticmethod
    def _orthogonal(moves: Tensor) -> Tensor:
        """Newton-Schulz iteration towards the nearest orthogonal matrices; (n, rows, columns)."""
        tall = moves.shape[1] > moves.shape[2]
        x = moves.mT if tall else moves
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(5):
            square = x @ x.mT
            x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
        return x.mT if tall else x


class Trainer:
    """The network, its optimisers, and how far they have come."""

    def __init__(self, tokenizer: Tokenizer, folder: Path, *, speed: float) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.steps, self.minutes = 0, 0.0
        self._kept: deque[tuple[Clip, Tensor]] = deque(maxlen=KEPT)
        self._file, self._speed = folder / "checkpoint.pt", speed
        self._model = network(tokenizer).to(self.device)
        self._ctc = nn.Linear(WIDTH, BLANK + 1).to(self.device)
        self._end = tokenizer.token_to_id("<|endoftext|>")
        zero = tokenizer.token_to_id("<|0.00|>")
        self._stamps = slice(zero, zero + 1501)
        turns = torch.exp(-torch.arange(WIDTH // 2) * math.log(10_000) / (WIDTH // 2 - 1))
        angles = torch.arange(1501)[:, None] * turns
        basis, sizes, _ = torch.linalg.svd(torch.cat([angles.sin(), angles.cos()], 1), full_matrices=False)
        self._waves = basis[:, sizes > sizes[0] / 1000].to(self.device)
        extractor = FeatureExtractor()
        self._filters = torch.from_numpy(extractor.mel_filters).float().to(self.device)
        self._window = torch.hann_window(400, device=self.device)
        parameters = [*self._model.parameters(), *self._ctc.parameters()]
        layers = [*self._model.model.encoder.layers, *self._model.model.decoder.layers]
        matrices = [weight for layer in layers for weight in layer.parameters() if weight.ndim == 2]
        known = {id(matrix) for matrix in matrices}
        others = [weight for weight in parameters if id(weight) not in known]
        self._optimisers = (
            Muon(matrices, decay=0.01),
            torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01),
        )
        if self._file.exists():
            self._resume()

    def _resume(self) -> None:
        stored = torch.load(self._file, map_location=self.device, weights_only=True)
        self._model.load_state_dict(stored["model"])
        self._ctc.load_state_dict(stored["ctc"])
        if "optimisers" in stored:
            self.steps, self.minutes = stored["steps"], stored["minutes"]
            for optimiser, state in zip(self._optimisers, stored["optimisers"], strict=True):
                optimiser.load_state_dict(state)

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        draft = self._file.with_suffix(".new")
        torch.save(
            {
                "model": self._model.state_dict(),
                "ctc": self._ctc.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
                "steps": self.steps,
                "minutes": self.minutes,
            },
            draft,
        )
        draft.replace(self._file)

    def learn(self, clips: list[Clip], share: float, phase: Phase) -> tuple[float, float]:
        """One step on fresh clips at `share` of the training; the losses of text and of letters."""
        rate = self._speed * min(1, (self.steps + 1) / 200) * (0.02 + 0.98 * math.cos(share * math.pi / 2))
        if phase.fresh == phase.clips:
            below = self._below(clips)
        else:
            clips, below = self._again(clips, phase.clips)
        heard = self._top(below)
        text, letters = self._text_loss(clips, heard), self._letter_loss(clips, heard)
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad()
        (text + letters).backward()
        for optimiser in self._optimisers:
            nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], 1.0)
            optimiser.step()
        self._align_stamps()
        self.steps += 1
        return text.item(), letters.item()

    @torch.no_grad()
    def _align_stamps(self) -> None:
        """Keep the time stamps' embeddings a linear image of the encoder's positions, plus their mean.

        Each of the 1,501 is seen too rarely to be learnt by itself; in this way each learns from all.
        """
        stamps = self._model.model.decoder.embed_tokens.weight[self._stamps]
        mean = stamps.mean(0)
        stamps.copy_(mean + self._waves @ (self._waves.T @ (stamps - mean)))

    @torch.no_grad()
    def _again(self, clips: list[Clip], most: int) -> tuple[list[Clip], Tensor]:
        """The new clips and some of those before, with what the encoder's lower layers make of them."""
        self._kept.extend(zip(clips, self._below(clips), strict=True))
        batch = random.sample(self._kept, min(most, len(self._kept)))
        return [clip for clip, _ in batch], torch.stack([below for _, below in batch])

    def _features(self, audio: Tensor) -> Tensor:
        """Whisper's log-mel spectrograms as faster-whisper makes them: (clips, 80, frames of 10 ms)."""
        spectrum = torch.stft(audio, 400, 160, window=self._window, return_complex=True)[..., :-1]
        mel = (self._filters @ spectrum.abs().square()).clamp(min=1e-10).log10()
        return (mel.maximum(mel.amax((1, 2), keepdim=True) - 8) + 4) / 4

    def _below(self, clips: list[Clip]) -> Tensor:
        """The encoder up to its last layer, with positions from each clip's offset on.

        (clips, frames of 20 ms, width)
        """
        encoder = self._model.model.encoder
        audio = torch.from_numpy(np.stack([clip.audio for clip in clips])).to(self.device)
        hidden = F.gelu(encoder.conv2(F.gelu(encoder.conv1(self._features(audio))))).transpose(1, 2)
        offsets = torch.tensor([[clip.offset] for clip in clips], device=self.device)
        frames = torch.arange(hidden.shape[1], device=self.device)
        hidden = hidden + encoder.embed_positions.weight[offsets + frames]
        for layer in encoder.layers[:-1]:
            hidden = layer(hidden, None)
        return hidden

    def _top(self, below: Tensor) -> Tensor:
        """The encoder's output, of the same shape."""
        encoder = self._model.model.encoder
        return encoder.layer_norm(encoder.layers[-1](below, None))

    def _text_loss(self, clips: list[Clip], heard: Tensor) -> Tensor:
        given = nn.utils.rnn.pad_sequence(
            [torch.tensor(clip.given) for clip in clips], batch_first=True, padding_value=self._end
        ).to(self.device)
        wanted = nn.utils.rnn.pad_sequence(
            [torch.tensor(clip.wanted) for clip in clips], batch_first=True, padding_value=-100
        ).to(self.device)
        read = self._model.model.decoder(input_ids=given, encoder_hidden_states=heard)
        scores = self._model.proj_out(read.last_hidden_state)
        return F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=-100)

    def _letter_loss(self, clips: list[Clip], heard: Tensor) -> Tensor:
        return F.ctc_loss(
            F.log_softmax(self._ctc(heard), -1).transpose(0, 1),
            torch.tensor([letter for clip in clips for letter in clip.letters], device=self.device),
            torch.full((len(clips),), heard.shape[1]),
            torch.tensor([len(clip.letters) for clip in clips]),
            blank=BLANK,
            zero_infinity=True,
        )


def main() -> None:
    """Train until the minutes are used up, across as many starts as it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--speed", type=float, default=1.5e-3, help="learning rate at its highest")
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    spoken = json.loads(options.corpus.with_suffix(".json").read_text())["texts"]
    tokenizer = tokens(
        options.out / "tokenizer.json", [f" {t}" for text in spoken for t in (text, written(text))]
    )
    trainer = Trainer(tokenizer, options.out, speed=options.speed)
    corpus = Corpus(options.corpus, tokenizer, seed=trainer.steps)
    before, started, losses = trainer.minutes, time.monotonic(), []
    while trainer.minutes < options.minutes:
        share = trainer.minutes / options.minutes
        phase = next(phase for phase in PHASES if share < phase.until)
        losses.append(trainer.learn([corpus.clip(phase) for _ in range(phase.fresh)], share, phase))
        trainer.minutes = before + (time.monotonic() - started) / 60
        if trainer.steps % 50 == 0:
            text, letters = np.mean(losses, axis=0)
            losses.clear()
            print(
                f"step {trainer.steps}, minute {trainer.minutes:.1f}: text {text:.3f}, letters {letters:.3f}, "
                f"clips of {phase.seconds:.0f} s",
                flush=True,
            )
            trainer.save()
    trainer.save()


if __name__ == "__main__":
    main()
