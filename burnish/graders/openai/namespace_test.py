"""What a grader can read of a sample."""

import pytest

from burnish.graders.openai.namespace import namespace_of, parsed_json
from burnish.graders.verdicts import UnreadableSampleError
from burnish.types import Completion, Problem, StopReason


def test_the_sample_is_a_reply_of_the_chat_completions_api_and_the_item_is_the_row():
    problem = Problem("p1", "Capital?", "Oslo", fields={"reference_answer": "Oslo", "n": [1]})
    completion = Completion((), (), (), (), '{"city": "Oslo"}', StopReason.EOS)
    variables = namespace_of((problem, completion))
    message = {"role": "assistant", "content": '{"city": "Oslo"}'}
    assert variables.sample == {
        "output_text": '{"city": "Oslo"}',
        "output_json": {"city": "Oslo"},
        "output_tools": [],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    assert variables.item == {
        "id": "p1",
        "question": "Capital?",
        "answer": "Oslo",
        "reference_answer": "Oslo",
        "n": [1],
    }


def test_a_text_that_is_no_json_has_none_and_what_the_row_lacks_is_not_made_up():
    completion = Completion((), (), (), (), "Oslo", StopReason.EOS)
    variables = namespace_of((Problem("p1", "", None), completion))
    assert "output_json" not in variables.sample
    assert variables.item == {"id": "p1"}


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "01", "", "True", "[" * 102 + "]" * 102]
)
def test_json_is_what_the_standard_says(text):
    with pytest.raises(UnreadableSampleError, match="is not JSON"):
        parsed_json(text)
