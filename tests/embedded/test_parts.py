"""The small parts: lines, durations, TOML, merge patches, schemas, identifiers."""

from __future__ import annotations

import json
import tomllib
import uuid
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meerkat.embedded import durations, ids, lines, schema_check, toml
from meerkat.embedded.config import merge_patch
from meerkat.embedded.config_shape import CONFIG, ConfigError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The examples of RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_follow_their_standard(target: Any, patch: Any, result: Any) -> None:
    before = json.dumps(target)
    assert merge_patch(target, patch) == result
    assert json.dumps(target) == before


@pytest.mark.parametrize(
    ("text", "milliseconds", "shown"),
    [
        ("500ms", 500, "500ms"),
        ("1s 500ms", 1500, "1s 500ms"),
        ("90s", 90_000, "1m 30s"),
        ("10m", 600_000, "10m"),
        ("2 hours 1min", 7_260_000, "2h 1m"),
        ("2days", 172_800_000, "2days"),
        ("0s", 0, "0s"),
    ],
)
def test_durations(text: str, milliseconds: int, shown: str) -> None:
    assert durations.parse(text) == milliseconds
    assert durations.show(milliseconds) == shown


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "1s x", "-1s", "1.5s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"time unit|expected a duration"):
        durations.parse(text)


@given(st.integers(0, 10**12))
def test_a_duration_reads_back(milliseconds: int) -> None:
    assert durations.parse(durations.show(milliseconds)) == milliseconds


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=10,
        ),
        max_size=4,
    )
)
def test_toml_reads_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(document)) == document


def test_toml_leaves_out_what_is_null() -> None:
    assert tomllib.loads(toml.dumps({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


def test_a_configuration_reads_back_from_toml() -> None:
    config = CONFIG.read({"agent": {"model": "m", "temperature": 0.5}, "budget": {"max_duration": 1500}})
    assert config["budget"]["max_duration"] == "1s 500ms"
    assert CONFIG.read(tomllib.loads(toml.dumps(config))) == config
    assert CONFIG.read(config) == config


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (5, "invalid type: integer `5`, expected struct Config"),
        ({"agent": {"model": 5}}, "invalid type: integer `5`, expected a string"),
        ({"agent": {"model": None}}, "invalid type: null, expected a string"),
        ({"agent": "x"}, 'invalid type: string "x", expected struct AgentConfig'),
        ({"max_tokens": -1}, "invalid value: integer `-1`, expected u64"),
        ({"tools": {"shell_enabled": 1}}, "invalid type: integer `1`, expected a boolean"),
        ({"comms": {"mode": "x"}}, "unknown variant `x`"),
        ({"retry": {"initial_delay": "x"}}, "expected a duration"),
        ({"self_hosted": {"models": []}}, "invalid type: sequence, expected a map"),
    ],
)
def test_what_is_no_configuration(document: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        CONFIG.read(document)
    assert complaint in str(caught.value)


_KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
        | st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, max_size=2, unique=True),
        "enum": st.lists(JSON, min_size=1, max_size=3),
        "const": JSON,
        "minimum": st.integers(-5, 5),
        "maximum": st.integers(-5, 5),
        "minLength": st.integers(0, 3),
        "maxItems": st.integers(0, 3),
        "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
        "additionalProperties": st.booleans(),
    },
)
SCHEMAS = st.recursive(
    _KEYWORDS,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=6,
)


@given(SCHEMAS, JSON)
def test_schemas_mean_what_a_full_validator_says(schema: dict[str, Any], value: Any) -> None:
    validator: Any = jsonschema.Draft202012Validator(schema)
    assert (schema_check.fault(schema, value) is None) == validator.is_valid(value)


@given(JSON)
def test_a_line_is_a_request_when_it_has_a_method(params: Any) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m", "params": params}).encode()
    assert lines.parse(line) == lines.Call(1, "m", params)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "invalid length 0, expected struct RpcResponse with 4 elements"),
        ("null", "invalid type: null, expected struct RpcResponse"),
        ("true", "invalid type: boolean `true`, expected struct RpcResponse"),
        ("1.5", "invalid type: floating point `1.5`, expected struct RpcResponse"),
        ('{"jsonrpc": 2, "method": "m"}', "invalid type: integer `2`, expected a string"),
        ('{"jsonrpc": "2.0", "method": ["m"]}', "invalid type: sequence, expected a string"),
        ('{"jsonrpc": "2.0", "method": "m", "id": {}}', "data did not match any variant of untagged enum RpcId"),
        ('{"jsonrpc": "2.0", "id": 9223372036854775808}', "data did not match any variant of untagged enum RpcId"),
    ],
)
def test_lines_that_are_no_messages(line: str, message: str) -> None:
    assert lines.parse(line.encode()) == lines.Fault(f"Parse error: {message}")


def test_deep_nesting_is_a_fault_and_no_crash() -> None:
    assert isinstance(lines.parse(b"[" * 100_000), lines.Fault)


def test_identifiers_sort_by_time() -> None:
    made = [ids.uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    for text in made:
        value = uuid.UUID(text)
        assert str(value) == text
        assert (value.version, value.variant) == (7, uuid.RFC_4122)
    moments = [text[:13] for text in made]
    assert moments == sorted(moments)
