"""Hypothesis strategies that several test modules share."""

from typing import Any

from hypothesis import strategies as st


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays and objects of what children gives; a function with a name, whose source Hypothesis can find."""
    return st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()

#: Anything that JSON can hold.
json_values = st.recursive(scalars, containers, max_leaves=12)
