import pytest
from tokenizers import Tokenizer, models, processors

from burnish.errors import ModelError
from burnish.models.bpe import read_spec, restrict
from burnish.models.tiny import byte_fallback_tokenizer, byte_level_tokenizer


def byte_vocabulary(*more):
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    return {token: number for number, token in enumerate([*byte_tokens, *more])}


def backend_of(vocabulary, merges):
    return Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True))


def test_merges_on_the_way_are_kept_although_no_text_shows_them():
    # "abc" is reached through "bc" (lower rank), never through "ab".
    vocabulary = byte_vocabulary("a", "b", "c", "d", "bc", "ab", "abc", "cd")
    merges = [("b", "c"), ("a", "b"), ("a", "bc"), ("ab", "c"), ("c", "d")]
    spec = read_spec(backend_of(vocabulary, merges))

    small, kept = restrict(spec, ["abc"])

    tokens = set(small.get_vocab())
    assert {"a", "b", "c", "bc", "abc"} <= tokens
    assert not tokens & {"ab", "cd"}
    assert small.encode("abc").tokens == ["abc"]
    assert [vocabulary[token] for token in ("bc", "abc")] == kept[-2:]


def test_merges_given_as_text_with_a_space_are_read():
    spec = read_spec(backend_of(byte_vocabulary("a", "b", "ab"), [("a", "b")]))
    spec["model"]["merges"] = ["a b"]
    small, _ = restrict(spec, ["ab"])
    assert small.encode("ab").tokens == ["ab"]


def test_post_processors_of_every_shape_are_renumbered():
    backend = backend_of(byte_vocabulary("x", "a", "[S]", "[E]"), [])
    backend.post_processor = processors.Sequence(
        [processors.BertProcessing(("[E]", 259), ("[S]", 258))]
    )
    small, kept = restrict(read_spec(backend), ["[S]", "[E]", "a"])
    ids = small.encode("a").ids
    assert [kept[i] for i in ids] == [258, 257, 259] == backend.encode("a").ids


def test_added_tokens_beyond_the_vocabulary_stay_last():
    backend = backend_of(byte_vocabulary("a", "b"), [])
    backend.add_special_tokens(["<|x|>", "<|y|>"])
    small, kept = restrict(read_spec(backend), ["<|y|>", "b"])
    assert [kept[i] for i in small.encode("b<|y|>").ids] == backend.encode("b<|y|>").ids
    assert small.token_to_id("<|x|>") is None
    assert small.token_to_id("<|y|>") == len(kept) - 1


def test_added_tokens_within_a_gap_of_the_vocabulary_move_behind_it():
    backend = backend_of(byte_vocabulary() | {"z": 300}, [])
    backend.add_special_tokens(["<|x|>"])
    assert backend.token_to_id("<|x|>") == 257
    small, kept = restrict(read_spec(backend), ["<|x|>", "z"])
    assert [kept[i] for i in small.encode("z<|x|>").ids] == backend.encode("z<|x|>").ids


@pytest.mark.parametrize("full", [byte_level_tokenizer(), byte_fallback_tokenizer()])
def test_every_byte_survives(full):
    small, _ = restrict(read_spec(full.backend_tokenizer), [])
    text = "".join(chr(code) for code in range(1, 0x250)) + "\U0001f642"
    assert small.decode(small.encode(text, add_special_tokens=False).ids) == text


def test_a_tokenizer_without_bytes_is_refused():
    backend = Tokenizer(models.BPE(vocab={"\u00e9nt": 0}, merges=[]))
    with pytest.raises(ModelError, match="no token for 256 of the 256"):
        restrict(read_spec(backend), ["a"])


def test_other_kinds_of_tokenizer_are_refused():
    with pytest.raises(ModelError, match="WordLevel"):
        read_spec(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
