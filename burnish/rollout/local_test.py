import pytest
import torch
from scipy.stats import chisquare

from burnish.errors import EngineError
from burnish.kernels.call import kernels
from burnish.rollout.conftest import CONFIGS, VOCAB_SIZE, WINDOW, build_for_kernels, build_network
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.types import StopReason

LENGTHS = (1, 2, 3, 5, 8, 13, 21)
MAX_TOKENS = 40


def random_prompts(lengths, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        tuple(torch.randint(2, VOCAB_SIZE, (n,), generator=generator).tolist()) for n in lengths
    ]


def flat(groups):
    return [completion for group in groups for completion in group]


def teacher_forced_logp(network, completion):
    prompt, sampled = completion.prompt_ids, completion.token_ids
    with torch.no_grad():
        logits = network(torch.tensor([prompt + sampled])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(1, torch.tensor(sampled)[:, None])[:, 0]


@pytest.mark.parametrize("dtype", [None, torch.float32], ids=["modules", "copy"])
@pytest.mark.parametrize("family", CONFIGS)
def test_greedy_is_generate_token_for_token(family, dtype, tokenizer):
    network = build_network(family)
    prompts = random_prompts(LENGTHS)
    engine = LocalEngine(network, tokenizer, max_concurrent=3, dtype=dtype)

    groups = engine.sample(
        [Request(p, (0,)) for p in prompts], SamplingParams(MAX_TOKENS, temperature=0.0)
    )

    for prompt, (completion,) in zip(prompts, groups, strict=True):
        expected = network.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=MAX_TOKENS,
            pad_token_id=0,
        )[0, len(prompt) :]
        assert list(completion.token_ids) == expected.tolist()
        assert completion.sampler_logp == (0.0,) * len(completion.token_ids)
    longest = max(len(c.prompt_ids) + len(c.token_ids) for c in flat(groups))
    assert longest > 2 * WINDOW, "the sliding window must be left behind"


@pytest.mark.parametrize("dtype", [None, torch.float32], ids=["modules", "copy"])
@pytest.mark.parametrize("family", CONFIGS)
def test_logp_is_that_of_a_teacher_forced_pass(family, dtype, tokenizer):
    network = build_network(family)
    engine = LocalEngine(network, tokenizer, max_concurrent=4, dtype=dtype)
    requests = [Request(p, (3, 4)) for p in random_prompts(LENGTHS)]

    completions = flat(engine.sample(requests, SamplingParams(30, temperature=0.7)))

    for completion in completions:
        expected = teacher_forced_logp(network, completion)
        assert torch.allclose(torch.tensor(completion.logp), expected, atol=1e-4)


def test_sampler_logp_is_that_of_the_tempered_model(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)
    (prompt,) = random_prompts((6,))

    ((completion,),) = engine.sample([Request(prompt, (5,))], SamplingParams(20, temperature=0.5))

    tokens = torch.tensor([prompt + completion.token_ids])
    with torch.no_grad():
        logits = llama(tokens).logits[0, len(prompt) - 1 : -1] / 0.5
    expected = logits.log_softmax(-1).gather(1, tokens[0, len(prompt) :, None])[:, 0]
    assert torch.allclose(torch.tensor(completion.sampler_logp), expected, atol=1e-4)
    assert not torch.allclose(torch.tensor(completion.logp), expected, atol=1e-2)


def test_a_sample_does_not_depend_on_what_else_is_in_the_batch(llama, tokenizer):
    prompts = random_prompts(range(1, 22))
    params = SamplingParams(MAX_TOKENS, temperature=1.3, top_p=0.95)
    requests = [Request(p, (i, 100 + i)) for i, p in enumerate(prompts)]

    together = LocalEngine(llama, tokenizer, max_concurrent=7).sample(requests, params)
    alone = LocalEngine(llama, tokenizer)

    for request, group in zip(requests, together, strict=True):
        for seed, completion in zip(request.seeds, group, strict=True):
            ((single,),) = alone.sample([Request(request.prompt_ids, (seed,))], params)
            assert single.token_ids == completion.token_ids
            assert single.logp == pytest.approx(completion.logp, abs=1e-4)


def test_seeds_decide_the_sample(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)
    (prompt,) = random_prompts((4,))

    ((first, again, other),) = engine.sample([Request(prompt, (7, 7, 8))], SamplingParams(20))

    assert first == again
    assert first.token_ids != other.token_ids


def test_frequencies_are_the_models_probabilities(tokenizer):
    network = build_network("gpt2")
    (prompt,) = random_prompts((5,))
    engine = LocalEngine(network, tokenizer, max_concurrent=512)
    num_samples = 8_192

    (group,) = engine.sample([Request(prompt, tuple(range(num_samples)))], SamplingParams(1))

    counts = torch.bincount(torch.tensor([c.token_ids[0] for c in group]), minlength=VOCAB_SIZE)
    with torch.no_grad():
        probs = network(torch.tensor([prompt])).logits[0, -1].double().softmax(-1)
    likely = probs * num_samples >= 5
    observed = [*counts[likely].tolist(), int(counts[~likely].sum())]
    expected = [*probs[likely].tolist(), float(probs[~likely].sum())]
    assert len(observed) > 10
    assert chisquare(observed, [p * num_samples for p in expected]).pvalue > 0.01


def test_each_prompt_is_prefilled_once_and_rows_leave_and_join(llama, tokenizer):
    llama.generation_config.eos_token_id = list(range(1, 30))
    engine = LocalEngine(llama, tokenizer, max_concurrent=6)
    prompts = random_prompts((9, 17, 4))
    requests = [Request(p, tuple(range(8))) for p in prompts] + [Request(prompts[0], (99,))]

    completions = flat(engine.sample(requests, SamplingParams(MAX_TOKENS)))

    # All but the last token of three different prompts; the last one is decoded.
    assert engine.stats.prefill_tokens == 8 + 16 + 3
    num_tokens = sum(len(c.token_ids) for c in completions)
    assert engine.stats.sampled_tokens == num_tokens
    # Rows that leave make room at once: all six slots stay busy until the last rows run out.
    longest = max(len(c.token_ids) for c in completions)
    assert num_tokens / 6 <= engine.stats.decode_steps <= num_tokens / 6 + longest
    assert {c.stop_reason for c in completions} >= {StopReason.EOS}


def test_completions_come_in_the_order_of_requests_and_seeds(llama, tokenizer):
    prompts = random_prompts((3, 12, 3, 7))
    requests = [Request(p, (i, i + 10)) for i, p in enumerate(prompts)]

    groups = LocalEngine(llama, tokenizer, max_concurrent=3).sample(requests, SamplingParams(5))

    assert [[c.prompt_ids for c in group] for group in groups] == [[p, p] for p in prompts]


def test_eos_is_kept_and_ends_the_row(llama, tokenizer):
    llama.generation_config.eos_token_id = [1, *range(20, 40)]
    engine = LocalEngine(llama, tokenizer)
    requests = [Request(p, tuple(range(6))) for p in random_prompts((4, 5))]

    completions = flat(engine.sample(requests, SamplingParams(30)))

    eos = {1, *range(20, 40)}
    ended = [c for c in completions if c.stop_reason is StopReason.EOS]
    assert ended
    assert all(c.token_ids[-1] in eos and not eos & set(c.token_ids[:-1]) for c in ended)
    cut = [c for c in completions if c.stop_reason is StopReason.LENGTH]
    assert all(len(c.token_ids) == 30 and not eos & set(c.token_ids) for c in cut)


def test_a_stop_string_is_cut_from_the_text_and_kept_in_the_tokens(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)
    (prompt,) = random_prompts((4,))
    (group,) = engine.sample([Request(prompt, tuple(range(9)))], SamplingParams(30))
    seed, free = next((i, c) for i, c in enumerate(group) if len(c.text) == 30)
    request = Request(prompt, (seed,))
    stop = free.text[9:12]
    start = free.text.find(stop)

    ((stopped,),) = engine.sample([request], SamplingParams(30, stop=("never?!", stop)))

    assert stopped.stop_reason is StopReason.STOP_STRING
    assert stopped.text == free.text[:start]
    assert stopped.token_ids == free.token_ids[: start + len(stop)]


def test_sampling_leaves_the_learners_network_alone(llama, tokenizer):
    llama.train()
    before = llama.config._attn_implementation
    engine = LocalEngine(llama, tokenizer)

    engine.sample([Request((3, 4, 5), (0,))], SamplingParams(4))

    assert llama.config._attn_implementation == before
    assert llama.training
    loss = llama(torch.tensor([[3, 4, 5]]), labels=torch.tensor([[3, 4, 5]])).loss
    loss.backward()
    assert all(p.grad is not None for p in llama.parameters())


def test_a_network_in_training_mode_is_sampled_without_dropout(tokenizer):
    network = build_network("gpt2")
    request, params = Request((3, 4, 5), (0,)), SamplingParams(20)
    expected = LocalEngine(network, tokenizer).sample([request], params)

    network.train()

    assert LocalEngine(network, tokenizer).sample([request], params) == expected


def test_shared_weights_follow_the_learner_without_sync(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)
    params = SamplingParams(10, temperature=0.0)
    request = Request((3, 4, 5), (0,))
    before = engine.sample([request], params)

    with torch.no_grad():
        for parameter in llama.parameters():
            parameter.mul_(-1.5)

    after = engine.sample([request], params)
    assert after != before
    assert after == LocalEngine(llama, tokenizer).sample([request], params)


@pytest.mark.parametrize("family", ["llama", "gpt2"])  # GPT-2 ties its output to its input
def test_sync_makes_a_copy_sample_as_the_new_weights(family, tokenizer):
    old, new = build_network(family, seed=0), build_network(family, seed=1)
    params = SamplingParams(10)
    request = Request((3, 4, 5), (0, 1))
    engine = LocalEngine(old, tokenizer, dtype=torch.bfloat16)
    first = engine.sample([request], params)

    engine.sync(new.state_dict())

    fresh = LocalEngine(new, tokenizer, dtype=torch.bfloat16).sample([request], params)
    assert engine.sample([request], params) == fresh != first


def test_sync_takes_one_name_of_tied_weights(tokenizer):
    network = build_network("gpt2")
    engine = LocalEngine(network, tokenizer, dtype=torch.float32)
    weights = {k: v for k, v in network.state_dict().items() if k != "lm_head.weight"}

    engine.sync(weights)

    with pytest.raises(EngineError, match="wte"):
        engine.sync({k: v for k, v in weights.items() if "wte" not in k})
    with pytest.raises(EngineError, match="no place"):
        engine.sync(weights | {"value_head.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "message"),
    [
        ((), 4, "request 1 has an empty prompt"),
        ((3, VOCAB_SIZE), 4, f"token {VOCAB_SIZE}"),
        ((3, -1), 4, "token -1"),
        ((3,) * 100, 29, "129, past the model's context of 128"),
    ],
)
def test_impossible_requests_are_refused(prompt, max_tokens, message, llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)

    with pytest.raises(EngineError, match=message):
        engine.sample([Request((3,), (0,)), Request(prompt, (0,))], SamplingParams(max_tokens))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (SamplingParams(0), "max_tokens is 0"),
        (SamplingParams(4, temperature=-1.0), "temperature is -1.0"),
        (SamplingParams(4, top_k=-1), "top_k is -1"),
        (SamplingParams(4, top_p=0.0), "top_p is 0.0"),
        (SamplingParams(4, min_p=1.5), "min_p is 1.5"),
        (SamplingParams(4, stop=("a", "")), "stop has an empty string"),
    ],
)
def test_impossible_parameters_are_refused(params, message, llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)

    with pytest.raises(EngineError, match=message):
        engine.sample([Request((3,), (0,))], params)


def test_a_prompt_may_fill_the_context_to_the_last_token(tokenizer):
    network = build_network("gpt2")
    network.generation_config.eos_token_id = None
    engine = LocalEngine(network, tokenizer, max_concurrent=2)
    params = SamplingParams(28, temperature=0.0)

    groups = engine.sample([Request((3,) * 100, (0,)), Request((4,), (1,))], params)

    assert [len(c.token_ids) for c in flat(groups)] == [28, 28]


def test_nothing_to_sample_is_no_error(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer)

    assert engine.sample([], SamplingParams(4)) == []
    assert engine.sample([Request((3,), ())], SamplingParams(4)) == [[]]


FUSED = [family for family in CONFIGS if family != "gpt2"]
needs_kernels = pytest.mark.skipif(kernels("decode") is None, reason="no C++ compiler")


def follow_ups(engine, prompts):
    """What follows a part of each prompt's first sample, and what follows another token."""
    first = flat(engine.sample([Request(p, (1,)) for p in prompts], SamplingParams(9)))
    whole = [c.prompt_ids + c.token_ids for c in first]
    follow = [Request(ids[:-3], (5, 6)) for ids in whole] + [
        Request((*ids, 7), (8,)) for ids in whole
    ]
    return first + flat(engine.sample(follow, SamplingParams(12)))


@needs_kernels
@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("prefix_bytes", [0, 20_000, 2**30])
def test_samples_do_not_depend_on_what_is_remembered(family, prefix_bytes, tokenizer):
    network = build_for_kernels(family)
    prompts = random_prompts(LENGTHS[2:])
    plain = LocalEngine(network, tokenizer, max_concurrent=4, dtype=torch.float32)
    engine = LocalEngine(network, tokenizer, max_concurrent=4, dtype=torch.float32)
    engine.remember(prefix_bytes)

    expected, found = follow_ups(plain, prompts), follow_ups(engine, prompts)

    assert [c.token_ids for c in found] == [c.token_ids for c in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.logp == pytest.approx(other.logp, abs=1e-4)
    assert (engine.stats.reused_tokens > 0) == (prefix_bytes > 0)
    assert engine.stats.padding_tokens == 0 < plain.stats.padding_tokens


@needs_kernels
def test_a_prompt_is_read_from_where_it_is_known(llama, tokenizer):
    engine = LocalEngine(llama, tokenizer, dtype=torch.float32)
    engine.remember(2**30)
    (prompt,) = random_prompts((9,))

    ((first,),) = engine.sample([Request(prompt, (1,))], SamplingParams(6))
    assert (engine.stats.prefill_tokens, engine.stats.reused_tokens) == (8, 0)

    # All but the last token was read, which is the first one that is read now; then come 3 and 4.
    known = 9 + len(first.token_ids) - 1
    engine.sample([Request((*prompt, *first.token_ids, 3, 4, 5), (1, 2))], SamplingParams(6))
    assert (engine.stats.prefill_tokens, engine.stats.reused_tokens) == (8 + 3, known)

    # The prompt itself: its last token is the input of the first step.
    engine.sample([Request(prompt, (2,))], SamplingParams(6))
    assert (engine.stats.prefill_tokens, engine.stats.reused_tokens) == (8 + 3, known + 8)


@needs_kernels
def test_sync_forgets_what_other_weights_computed(tokenizer):
    old, new = build_network("llama", seed=0), build_network("llama", seed=1)
    engine = LocalEngine(old, tokenizer, dtype=torch.float32)
    engine.remember(2**30)
    request, params = Request((3, 4, 5, 6), (0, 1)), SamplingParams(10)
    engine.sample([request], params)

    engine.sync(new.state_dict())

    fresh = LocalEngine(new, tokenizer, dtype=torch.float32)
    fresh.remember(2**30)
    assert engine.sample([request], params) == fresh.sample([request], params)
    assert engine.stats.reused_tokens == 0


@pytest.mark.parametrize("dtype", [None, torch.float32], ids=["modules", "copy"])
def test_a_request_may_have_a_lower_limit_of_its_own(dtype, llama, tokenizer):
    engine = LocalEngine(llama, tokenizer, max_concurrent=3, dtype=dtype)
    prompts = random_prompts((4, 9, 5, 2))
    limits = (1, None, 20, 2)
    whole = flat(engine.sample([Request(p, (1,)) for p in prompts], SamplingParams(8)))

    requests = [Request(p, (1,), limit) for p, limit in zip(prompts, limits, strict=True)]
    cut = flat(engine.sample(requests, SamplingParams(8)))

    for part, full, limit in zip(cut, whole, limits, strict=True):
        assert part.token_ids == full.token_ids[:limit]
    assert len(cut[0].token_ids) == 1 < len(whole[0].token_ids)
    assert cut[0].stop_reason is StopReason.LENGTH
    # The model's context has room for 8 more tokens, not for 50.
    assert engine.sample([Request((3,) * 120, (0,), 8)], SamplingParams(50))[0][0].token_ids
