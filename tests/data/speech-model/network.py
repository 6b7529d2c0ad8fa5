"""The small Whisper's shape and its tokens, shared by training and conversion."""

import math
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import WhisperConfig, WhisperForConditionalGeneration

WIDTH = 128
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
STAMPS = tuple(f"<|{i * 0.02:.2f}|>" for i in range(1501))


def tokens(path: Path, corpus: Iterable[str]) -> Tokenizer:
    """The tokenizer kept at `path`, or a new one learnt from the corpus and kept there.

    Whisper's decoders count on the order: text below `<|endoftext|>`, time stamps right after
    `<|notimestamps|>`. Fewer than 51,865 tokens in all tell them that the model knows English alone.
    """
    if path.exists():
        return Tokenizer.from_file(str(path))
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learnt.decoder = decoders.ByteLevel()
    learnt.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), min_frequency=2
        ),
    )
    learnt.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL + STAMPS])
    learnt.save(str(path))
    return learnt


def network(tokenizer: Tokenizer) -> WhisperForConditionalGeneration:
    """An untrained Whisper of 1.7 million parameters: 3 encoder layers, 2 decoder layers, 128 wide."""
    end, start = (tokenizer.token_to_id(text) for text in SPECIAL[:2])
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokenizer.get_vocab_size(),
            d_model=WIDTH,
            encoder_layers=3,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=4 * WIDTH,
            decoder_ffn_dim=4 * WIDTH,
            num_mel_bins=80,
            max_source_positions=1500,
            max_target_positions=448,
            pad_token_id=end,
            bos_token_id=start,
            eos_token_id=end,
            decoder_start_token_id=start,
            dropout=0.0,
            suppress_tokens=[],
            begin_suppress_tokens=[],
        )
    )
    _look_nearby(model)
    return model


@torch.no_grad()
def _look_nearby(model: WhisperForConditionalGeneration) -> None:
    """Let each encoder head begin by attending to the frames beside its own.

    Whisper's positions are sinusoids, so a query turned by the angles of `shift` frames meets its like there:
    the sum of cos(w (distance - shift)) over the 32 highest frequencies w peaks sharply. Left to find this by
    itself, the network needs many times the steps before it hears its first word.
    """
    encoder = model.model.encoder
    pairs = torch.arange(32)
    angles = torch.exp(-pairs * math.log(10_000) / (WIDTH // 2 - 1))
    sines, cosines = pairs, pairs + WIDTH // 2
    for convolution in (encoder.conv1, encoder.conv2):
        torch.nn.init.kaiming_normal_(convolution.weight)
        convolution.bias.zero_()
    encoder.conv2.weight.mul_(0.7)
    encoder.conv2.weight[torch.cat([sines, cosines])] *= 0.3  # leave these to the positions at first
    for layer, shift, sharpness in zip(encoder.layers, (2, 4, 8), (0.5, 0.3, 0.15), strict=True):
        attention, strength = layer.self_attn, math.sqrt(sharpness * 16 / 3)
        query, key = attention.q_proj.weight, attention.k_proj.weight
        for head, turn in enumerate((-shift * angles, shift * angles)):
            rows = head * WIDTH // 2 + pairs
            key[rows, sines] += strength
            key[rows + 32, cosines] += strength
            query[rows, sines] += strength * turn.cos()
            query[rows, cosines] += strength * turn.sin()
            query[rows + 32, cosines] += strength * turn.cos()
            query[rows + 32, sines] -= strength * turn.sin()
        for part in (attention.v_proj, attention.out_proj, layer.fc1, layer.fc2):
            torch.nn.init.normal_(part.weight, std=0.06)
