"""Inputs to start from, our own, and words that parsers look for; and changes made by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

_ROWS = (
    b'{"prompt": "2 + 2?", "completion": "It is 4.", "answer": "4"}\n',
    b'{"question": "2 + 2?", "answer": 4}\r\n{"question": "1 + 1?", "answer": 2.0}\r\n',
    b'{"messages": [{"role": "system", "content": "Short."}, {"role": "user", "content": "2?"},'
    b' {"role": "assistant", "content": [{"type": "text", "text": "2"}]}], "answer": "2"}\n',
    b'{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}\n',
    b'\xef\xbb\xbf{"prompt": "a", "chosen": "b", "rejected": "c", "margin": 0.5}\n',
    b'{"prompt": "a", "responses": ["b", "c"], "ranks": [2, 1]}\n',
    b'{"prompt": "a", "response": "b", "rating": 3, "rater": "r"}\n',
    b'{"prompt": "a", "response": "b", "attributes": {"helpfulness": 4}}\n',
    b'[{"fields": {"prompt": "a"}, "responses": {"ranking": [{"value": [1, 2]}]}}]',
    b'{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": "b",'
    b' "non_preferred_output": "c"}\n',
    b'{"question": "a", "answer": "4", "output": "The answer is: 4"}\n',
    b'{"a": ' * 120 + b"1" + b"}" * 120,
    b'{"answer": 1e999, "question": "\\ud800"}',
    b'{"id": ' + b"9" * 400 + b', "question": "a", "question": NaN}',
)
_GRADERS = (
    b'{"type": "numeric", "tolerance": 0.5}',
    b'{"type": "string_check", "input": "{{sample.output_text}}", "reference": "{{item.answer}}",'
    b' "operation": "eq", "name": "g"}',
    b"grader:\n  type: multi\n  graders:\n    a: &a {type: numeric, name: a}\n"
    b"    b: {<<: *a, name: b}\n  calculate_output: 0.5 * a + b\n",
    b"type: endpoint\nurl: http://a/b\nheaders: {X-Team: blue}\napi_key_env: A_KEY\n",
    b'{"type": "score_model", "model": "m", "input": [{"role": "user", "content": "{{item.a}}"}]}',
)
_RECIPES = (
    b"description: A run.\nseed: 1\nmodel: {name: m}\ntask: {type: arithmetic, train_size: 8}\n"
    b"method: {type: sft, epochs: 2, batch_size: 4}\n",
    b"description: >\n  Two\n  lines\nmodel:\n  name: ./m\n  lora: {rank: 4}\ntask: {type: rows,"
    b" train: a.jsonl}\nmethod: {type: reft}\nevaluation: {num_samples: 010}\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nd: 2001-99-99\n? [e]\n: !!python/name:os.system\n",
    b'description: "\\ud800 \\U00110000"\nseed: .inf\nseed: 1e9\n',
)
_SAID = (
    b"So 2 + 2.\nTherefore, the answer is: 4\x004",
    b"The answer is: \\boxed{\\frac{1}{2}} or 50\\%\x001/2",
    b"Therefore, the answer is: $1,234.5 x 10^{3} m/s\x001234500",
    b"Therefore, the answer is: (B) none\x00B",
    b"```python\ndef f(x):\n    return x\n```\n[BEGIN]\nf = 1\n[DONE]\x00f",
    b'<think>no</think>{"steps": [], "result": 0.5}\x000.5',
    b'{"a": [1, {"b": null}]}\x001',
)
_TEMPLATES = (
    b'{{item.a[1]["b c"]}} and {{ sample.output_json.a[0] }}\x00{"a": [1]}',
    b"{{sample.output_text}}{{item.gold}}\x00said",
    b"0.5 * a + min(b, sqrt(c)) ^ 2 - exp(d) / log(1)\x00",
)
SEEDS: Mapping[str, Sequence[bytes]] = {
    "rows": _ROWS,
    "feedback": _ROWS,
    "items": _ROWS,
    "graders": _GRADERS,
    "recipes": _RECIPES,
    "verdicts": _SAID,
    "answers": _SAID,
    "templates": _TEMPLATES,
}
WORDS = (
    *(
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0.0",
        b"9" * 320,
        b"\\ud800",
        b"\\u0000",
    ),
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r", b"\t", b"\x00", b"\x1b[2J", b"\\"),
    *(b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xcc\x81", b"&a ", b"*a", b"<<: ", b"!!int "),
    *(b"? ", b"- ", b"|\n", b"%YAML 1.1\n", b"---\n", b"#", b"{{", b"}}", b"\\boxed{", b"\\frac{"),
    *(b"1/0", b"10^{99999}", b"1e-400", b"**", b"```", b"$", b"%", b"(A)", b"..", b"role", b"type"),
)


def changed(seed: bytes, chance: Random) -> bytes:
    """The seed after a few cuts, repetitions, replacements and words put in."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(data))
        end = min(len(data), place + chance.randint(0, 12))
        data[place:end] = chance.choice(
            (
                b"",
                chance.choice(WORDS),
                data[place:end] * chance.choice((2, 40)),
                chance.randbytes(chance.randint(1, 4)),
            )
        )
    return bytes(data)
