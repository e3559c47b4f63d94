"""The script language, which the embedded model and the tests' model server share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat.embedded import script
from meerkat.embedded.script import Finish, Json, Reason, ScriptError, Sleep, Text, Tool, Turns, answer, find

if TYPE_CHECKING:
    from collections.abc import Iterable


def said(parts: Iterable[object]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text)]


def prompt(*steps: dict[str, Any]) -> str:
    return f"please {json.dumps({'script': steps})} thanks"


def test_a_text_without_a_script_is_echoed_word_by_word() -> None:
    reply = answer(["first", "hi  there\nyou"])
    assert said(reply.parts()) == ["echo: ", "hi  ", "there\n", "you"]
    assert (reply.finish, reply.status, reply.prompt_tokens, reply.completion_tokens) == ("stop", None, 3, 4)


def test_a_long_text_is_echoed_in_part() -> None:
    assert "".join(said(answer(["x" * 1000]).parts())) == "echo: " + "x" * script.ECHO_LIMIT


@given(st.text())
def test_words_are_the_text(text: str) -> None:
    assert "".join(script.words(text)) == text


def test_steps_are_played_in_order_and_tools_come_last() -> None:
    reply = answer(
        [
            prompt(
                {"tool": "a", "args": {"x": 1}},
                {"text": "one two"},
                {"reason": "hm"},
                {"sleep": 0.5},
                {"deltas": 2, "every": 0.1},
                {"tool": "b"},
            )
        ]
    )
    assert list(reply.parts()) == [
        Text("one "),
        Text("two"),
        Reason("hm"),
        Sleep(0.5),
        Text("w0 "),
        Sleep(0.1),
        Text("w1 "),
        Sleep(0.1),
    ]
    assert reply.tools == (Tool("a", {"x": 1}), Tool("b", {}))
    assert (reply.finish, reply.completion_tokens) == ("tool_calls", script.TOOL_CALL_TOKENS)


def test_after_a_tool_result_tools_and_failures_are_not_played_again() -> None:
    text = prompt({"status": 500, "times": 0}, {"tool": "a"}, {"text": "done"}, {"finish": "length"})
    reply = answer([text], tool_result="5")
    assert (said(reply.parts()), reply.tools, reply.finish) == (["done"], (), "length")
    only_tools = answer([prompt({"tool": "a"})], tool_result="the result")
    assert said(only_tools.parts()) == ["tool ", "said: ", "the ", "result"]


@pytest.mark.parametrize(("times", "statuses"), [(None, [500, 500, 500]), (2, [500, 500, None]), (0, [None] * 3)])
def test_failures_come_as_often_as_they_should(times: int | None, statuses: list[int | None]) -> None:
    step: dict[str, Any] = {"status": 500} if times is None else {"status": 500, "times": times}
    text = prompt({"text": "x"}, step)
    assert [answer([text], attempt=attempt).status for attempt in range(3)] == statuses


def test_structured_output_is_answered_value_by_value() -> None:
    text = prompt({"text": "said"}, {"json": {"n": 1}}, {"json": [2]})
    assert said(answer([text]).parts()) == ["said"]
    requests = [[text, *["again"] * count] for count in (1, 2, 3)]
    values = ["".join(said(answer(texts, structured=True).parts())) for texts in requests]
    assert [json.loads(value) for value in values] == [{"n": 1}, [2], [2]]


def test_structured_output_of_a_script_without_values_is_echoed() -> None:
    earlier, later = prompt({"json": 1}), prompt({"text": "x"})
    reply = answer([earlier, later, "give JSON"], structured=True)
    assert said(reply.parts()) == ["echo: ", "give ", "JSON"]


def test_a_script_of_values_only_echoes_in_words() -> None:
    text = prompt({"json": 1})
    assert "".join(said(answer([text]).parts())) == "echo: " + text


def test_the_last_script_in_a_text_counts() -> None:
    assert find(prompt({"text": "a"}) + prompt({"text": "b"})) == (Text("b"),)
    nested = prompt({"tool": "t", "args": {"script": [{"text": "inner"}]}}, {"finish": "stop"})
    assert find(nested) == (Tool("t", {"script": [{"text": "inner"}]}), Finish("stop"))
    quoted = prompt({"text": prompt({"text": "inner"})})
    assert find(quoted) == (Text(prompt({"text": "inner"})),)
    assert find("no script") is None
    assert find('{"script": oops ' + prompt({"json": None})) == (Json(None),)


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ('{"text": "x"}', "a script is a list of steps"),
        ("[5]", "step 0: a step is an object, not 5"),
        ("[{}]", "step 0: unknown step {}"),
        ('[{"text": "x"}, {"txt": "x"}]', "step 1: unknown step"),
        ('[{"text": 5}]', "step 0: `text` must be a string"),
        ('[{"text": "x", "every": 1}]', "step 0: `text` takes no `every`"),
        ('[{"deltas": -1}]', "step 0: `deltas` must be an integer, 0 or more"),
        ('[{"deltas": 1, "every": -1}]', "step 0: `every` must be a number, 0 or more"),
        ('[{"sleep": true}]', "step 0: `sleep` must be a number"),
        ('[{"status": 1.5}]', "step 0: `status` must be an integer"),
        ('[{"finish": "later"}]', "step 0: `finish` must be one of stop, length, content_filter"),
        ("[", "the script in the prompt is not JSON"),
    ],
)
def test_bad_scripts_are_refused(steps: str, complaint: str) -> None:
    with pytest.raises(ScriptError, match="^" + complaint.replace("{}", r"\{\}").replace("[", r"\[")):
        answer(['{"script": ' + steps + "}"])


def test_files_hold_one_script_or_one_a_turn() -> None:
    plain = json.dumps([{"text": "x"}])
    for text in (plain, json.dumps({"script": [{"text": "x"}]})):
        turns = Turns.parse(text)
        assert [turns.steps(turn) for turn in (0, 1, 9)] == [(Text("x"),)] * 3
    turns = Turns.parse(json.dumps([[{"text": "a"}], {"script": [{"text": "b"}]}]))
    assert [turns.steps(turn) for turn in (0, 1, 2)] == [(Text("a"),), (Text("b"),), None]
    assert said(answer(["hi"], turns=turns).parts()) == ["a"]
    assert said(answer(["hi", prompt({"text": "own"})], turns=turns).parts()) == ["own"]
    assert said(answer(["1", "2", "hi"], turns=turns).parts()) == ["echo: ", "hi"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("x", "the script file is not JSON"), ("5", "a script is a list"), ('[[{"x": 1}]]', "turn 0: step 0: unknown")],
)
def test_bad_files_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ScriptError, match=complaint):
        Turns.parse(text)
