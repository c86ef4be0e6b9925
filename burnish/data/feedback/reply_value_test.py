import pytest

from burnish.data.feedback.reply_value import WEIGHTS, gold_reward, reply_attributes
from burnish.data.feedback.reply_writing import Scene, model_reply

SCENE = Scene("Ada", "Ben", {"apples": 12, "beads": 5, "cups": 31}, ("cups", "apples"))


def attributes(text):
    return tuple(reply_attributes(SCENE, text).values())


def test_a_model_reply_cannot_be_better():
    assert model_reply(SCENE) == "Hi Ben. There are 31 cups. There are 12 apples. Good luck."
    assert attributes(model_reply(SCENE)) == (4.0, 4.0, 4.0, 4.0)
    assert gold_reward(reply_attributes(SCENE, model_reply(SCENE))) == pytest.approx(1.0)


def test_weights_tell_the_attributes_apart_and_add_up():
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    found = gold_reward({"helpful": 4.0, "honest": 2.0, "kind": 1.0, "brief": 3.0})
    assert found == pytest.approx(0.4 + 0.15 + 0.0375 + 0.1125)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There are 31 cups.", (2.0, 4.0, 2.0, 4.0)),
        ("There are 30 cups. There are 12 apples.", (4.0, 2.0, 2.0, 4.0)),
        ("Hi Ada. There are 31 cups. Good luck.", (2.0, 4.0, 3.0, 4.0)),
        ("There are 31 cups. Who cares. Who cares.", (2.0, 4.0, 0.0, 4.0)),
        ("There are 31 cups. There are 31 cups.", (2.0, 4.0, 2.0, 4.0)),
        ("There are 31 cups. There are 7 cups.", (2.0, 2.0, 2.0, 4.0)),
        ("Hi Ben. Hi Ben. There are 31 cups. Good luck. Good luck.", (2.0, 4.0, 4.0, 4.0)),
        (model_reply(SCENE) + " so" * 6, (4.0, 4.0, 4.0, 2.0)),
        (model_reply(SCENE) + " so" * 30, (4.0, 4.0, 4.0, 0.0)),
    ],
)
def test_attributes_by_hand(text, expected):
    assert attributes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hi Ben. Good luck.",
        "There are 5 beads.",
        "Ada has 12 apples, 5 beads and 31 cups. Ben asks for the cups and the apples.\n",
        "31 cups",
        "There are many cups.",
        "There are 31 cups and 12 apples",
    ],
)
def test_a_reply_that_answers_nothing_is_worth_nothing(text):
    assert attributes(text) == (0.0, 0.0, 0.0, 0.0)
