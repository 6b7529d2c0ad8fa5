"""The small Whisper's shape and its tokens, shared by training and conversion."""

from collections.abc import Iterable
from pathlib import Path

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
    return WhisperForConditionalGeneration(
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
