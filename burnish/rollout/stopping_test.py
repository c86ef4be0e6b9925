import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from burnish.rollout.stopping import StopStrings, decode, decode_after


def first_stop(tokenizer, text, stop):
    token_ids = tokenizer.encode(text, add_special_tokens=False)
    strings = StopStrings(tokenizer, stop)
    for end in range(1, len(token_ids) + 1):
        if strings.complete(token_ids[:end]):
            return end
    return None


def test_the_first_completed_string_stops(tokenizer):
    assert first_stop(tokenizer, "one. two. three", ("two", ". t")) == 6
    assert first_stop(tokenizer, "one. two", ("three",)) is None
    assert first_stop(tokenizer, "one. two", ()) is None


def test_a_long_text_is_searched_at_its_end_only_once_seen(tokenizer):
    assert first_stop(tokenizer, "ab" * 200 + "cab", ("cab",)) == 403


@pytest.mark.parametrize(("text", "kept"), [("ab:cd", "ab"), ("abcd", "abcd"), ("x?y:z", "x")])
def test_text_is_cut_before_the_first_string(tokenizer, text, kept):
    assert StopStrings(tokenizer, (":", "?")).cut(text) == kept


def test_a_character_of_several_byte_tokens_completes_a_string():
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {name: i for i, name in enumerate(["<unk>", *names, "a"])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
    token_ids = [257, *(byte + 1 for byte in "é".encode())]
    strings = StopStrings(tokenizer, ("aé",))

    assert [strings.complete(token_ids[:end]) for end in (1, 2, 3)] == [False, False, True]


def test_a_long_string_of_several_byte_tokens_is_found():
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    inner = Tokenizer(
        models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<0x00>")
    )
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    strings = StopStrings(PreTrainedTokenizerFast(tokenizer_object=inner), ("漢字" * 10,))

    assert strings.complete(list(("x" * 30 + "漢字" * 10).encode()))
    assert not strings.complete(list(("x" * 30 + "漢字" * 9).encode()))


def test_a_completion_keeps_the_indentation_of_its_first_line():
    pieces = ["<unk>", "\n", "\u2581\u2581", "\u2581", "x"]
    inner = Tokenizer(
        models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>")
    )
    inner.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)

    assert decode(tokenizer, [2, 4]) == " x"
    assert decode_after(tokenizer, [4, 1], [2, 4]) == "  x"
