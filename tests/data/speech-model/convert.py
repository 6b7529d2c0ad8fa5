"""Convert OUT/checkpoint.pt for CTranslate2, as faster-whisper loads it: python convert.py OUT MODEL [int8|float32]"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from network import network
from tokenizers import Tokenizer

TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<|startoftranscript|>",
    "eos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
}
FEATURES = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "sampling_rate": 16000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
    "padding_value": 0.0,
    "nb_max_frames": 3000,
    "n_samples": 480000,
}


def main(source: Path, target: Path, precision: str) -> None:
    """Write the model's folder, replacing what is there."""
    model = network(Tokenizer.from_file(str(source / "tokenizer.json")))
    stored = torch.load(source / "checkpoint.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(stored["model"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save_pretrained(folder)
        shutil.copy(source / "tokenizer.json", folder)
        (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER))
        (folder / "preprocessor_config.json").write_text(json.dumps(FEATURES))
        converter = TransformersConverter(name, copy_files=["tokenizer.json", "preprocessor_config.json"])
        converter.convert(str(target), quantization=precision, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3:] or ["int8"])[0])
