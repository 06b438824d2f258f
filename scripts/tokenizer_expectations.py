"""Writes test/fixtures/tokenizers: strings of many scripts, small tokenizers of five kinds, and what Python makes of them.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.22.2 && venv/bin/python scripts/tokenizer_expectations.py

What it expects is hashed, as the ids and offsets themselves would be a megabyte: SHA-256 over a JSON line for each string,
`[ids, type ids, offsets]`, offsets in code points; for each pair `[ids, type ids]`. Padded on the left to the longest of
all, `[ids, type ids, mask, offsets]`, of pairs without the offsets.
"""

import hashlib
import json
import pathlib
import random

from tokenizers import Tokenizer, __version__, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "tokenizers"
LENGTHS = [8, 9, 16, 33, 64]

STRINGS = """
Hello world!
The quick brown fox jumps over the lazy dog.
Ein Satz mit Umlauten: äöüß ÄÖÜ.
C'est déjà l'été à Orléans, n'est-ce pas ?
El niño comió ñandú — ¡qué rico!
Это предложение на русском языке.
これは日本語の文章です。
东京都にある这是一个中文句子，包含标点。
한국어 문장입니다.
مرحبا بالعالم، كيف حالك؟
שלום עולם
नमस्ते दुनिया, आप कैसे हैं?
สวัสดีชาวโลก
Xin chào thế giới, tiếng Việt có dấu
Γειά σου Κόσμε ΣΟΦΌΣ σοφός
İstanbul'da ışık ILIK ıi Iİ
Zażółć gęślą jaźń
1234567890 3.14159 1,000,000 $5.00 50% #tag @user user@example.com https://example.com/a?b=c&d=e#f
[CLS] literal special [SEP] tokens [MASK] [PAD] [UNK]
<s> </s> <pad> <unk> <|endoftext|>
don't can't won't I'm you're CamelCase snake_case kebab-case
ẞ ß SS straße STRASSE Ǆ ǅ ǆ ŉ ΰ ﬁ ﬀ ½ ² ™ №
supercalifragilisticexpialidocious antidisestablishmentarianism
""".strip().split("\n")
ODD = [
    "",
    " ",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 family \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "e\u0301 vs \u00e9 a\u030a a\u0300\u0301\u0302\u0303",
    "zero\u200bwidth\u200djoin\ufeffbom soft\u00adhyphen non\u00a0breaking\u2009thin\u3000wide",
    "tabs\tand\nnewlines\r\n  many   spaces  ",
    "\u0000null\u0001control\u007f",
    "a" * 300,
    "\u202eoverride\u202c",
    "\U0001d573\U0001d58a\U0001d591\U0001d591\U0001d594 \U0001f130\U0001f131",
    "\U00020000\U00020001 rare \u3007",
    "\ud7a3\u1100\u1161\u11a8",
    "\uff21\uff22\uff23\uff11\uff12\uff13",
    "lo\u0345\u0399 \u1fb3 \u1fbc",
]
RANGES = [(32, 127), (160, 592), (880, 1328), (1536, 1792), (2304, 2432), (12352, 12543), (19968, 40959), (127744, 128592)]


def corpus():
    draw = random.Random(1)
    words = [word for text in STRINGS for word in text.split()]
    mixed = [" ".join(draw.choice(words) for _ in range(draw.choice([3, 8, 15, 40]))) for _ in range(90)]
    wild = [
        "".join(chr(draw.randrange(*draw.choice(RANGES))) if draw.random() > 0.1 else " " for _ in range(draw.randrange(1, 60)))
        for _ in range(40)
    ]
    return STRINGS + ODD + mixed + wild


def wordpiece(texts):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    # As sentence-transformers leave it, and as nobody may use it.
    tokenizer.enable_padding(length=128, pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(128)
    return tokenizer


def whole_words(texts):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[UNK]"], show_progress=False))
    return tokenizer


def bytelevel(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "<pad>", "</s>"], show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def bytefallback(texts):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.ByteFallback()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)], show_progress=False))
    return tokenizer


def unigram(texts):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=1600, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends)
    return tokenizer


def digest(encodings, offsets):
    parts = ([e.ids, e.type_ids] + ([[list(span) for span in e.offsets]] if offsets else []) for e in encodings)
    lines = (json.dumps(part, separators=(",", ":")) for part in parts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def padded(encodings, offsets):
    parts = ([e.ids, e.type_ids, e.attention_mask] + ([[list(span) for span in e.offsets]] if offsets else []) for e in encodings)
    lines = (json.dumps(part, separators=(",", ":")) for part in parts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = corpus()
    pairs = list(zip(texts, reversed(texts)))
    expected = {"tokenizers": __version__, "kinds": {}, "left": {}}
    for make in (wordpiece, whole_words, bytelevel, bytefallback, unigram):
        file = FOLDER / f"{make.__name__}.json"
        # Training draws lots: those that are there stay as they are.
        if not file.exists():
            make([text for text in texts if text]).save(str(file), pretty=False)
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        kind = {"single": digest(map(tokenizer.encode, texts), True), "pair": digest((tokenizer.encode(*pair) for pair in pairs), False)}
        for length in LENGTHS:
            tokenizer.enable_truncation(length)
            kind[f"single {length}"] = digest(map(tokenizer.encode, texts), True)
            kind[f"pair {length}"] = digest((tokenizer.encode(*pair) for pair in pairs), False)
        expected["kinds"][make.__name__] = kind
        known = (tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>"))
        tokenizer.enable_padding(direction="left", pad_id=next((token for token in known if token is not None), 0))
        tokenizer.enable_truncation(33)
        expected["left"][make.__name__] = {
            "single": padded(tokenizer.encode_batch(texts), True),
            "pair": padded(tokenizer.encode_batch(pairs), False),
        }
    (FOLDER / "corpus.json").write_text(json.dumps(texts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


main()
