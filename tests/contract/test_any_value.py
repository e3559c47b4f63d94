"""Values that nobody thought of: any valid one survives, and any change of one is judged as the contract says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meerkat._core.codec import encode
from tests.contract.document import document, exact
from tests.contract.readings import Reading, validators
from tests.contract.strategies import changed, values
from tests.contract.test_samples import accepts, each_reading, names, read
from tests.support.values import losses, unknowns

pytestmark = pytest.mark.requirement("G02")

# Making a strategy for a large type takes longer than drawing from it.
many = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@each_reading
@many
@given(data=st.data())
def test_any_valid_value_survives(reading: Reading, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names(reading)), "type")
    value = data.draw(values(name), "value")
    assert exact().accepts(name, value)
    decoded = read(name, reading)(value)
    assert not list(unknowns(decoded))
    assert not list(losses(value, decoded, json.loads(encode(decoded))))


@each_reading
@many
@given(data=st.data())
def test_any_change_is_judged_alike(reading: Reading, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names(reading)), "type")
    value: Any = data.draw(values(name).flatmap(changed), "value")
    assert accepts(read(name, reading), value) == validators(reading).accepts(name, value)


def test_every_type_has_a_strategy() -> None:
    for name in document().schemas:
        values(name).validate()
