from dataclasses import asdict, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workflow.tracking import cache_key
from workflow.tracking.cache_key import Ingredients, differences, key

KINDS = ("parameters", "inputs", "code", "environment")
ONE = Ingredients(
    step="train",
    parameters={"models": "linear", "seed": "42"},
    inputs={"splits": "0123"},
    code={"steps/train.py": "aa", "workflow/models/families.py": "bb"},
    environment={"python": "3.11.7", "pandas": "3.1.1"},
)
each_kind = pytest.mark.parametrize("kind", KINDS)
some = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5)
any_ingredients = st.builds(
    Ingredients,
    step=st.sampled_from(["preprocess", "train", "hpo", "register"]),
    parameters=some,
    inputs=some,
    code=some,
    environment=some,
)


def changed(one: Ingredients, kind: str, **values: str) -> Ingredients:
    return replace(one, **{kind: getattr(one, kind) | values})


def without(one: Ingredients, kind: str, name: str) -> Ingredients:
    left = {key: value for key, value in getattr(one, kind).items() if key != name}
    return replace(one, **{kind: left})


def line(kind: str, name: str, was: str | None, is_now: str | None) -> str:
    """Return how a difference is told."""
    if kind in ("inputs", "code"):
        what = "is new" if was is None else "is gone" if is_now is None else "changed"
        return f"{name} {what}"
    absent = "not given" if kind == "parameters" else "absent"
    was, is_now = (absent if one is None else one for one in (was, is_now))
    return f"{name} was {was}, is {is_now}"


@given(any_ingredients, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_what_is_in_it_does_not_matter(one, random):
    def shuffled(values: dict[str, str]) -> dict[str, str]:
        return dict(random.sample(list(values.items()), len(values)))

    other = replace(one, **{kind: shuffled(getattr(one, kind)) for kind in KINDS})
    assert key(other) == key(one)
    assert differences(one, other) == []


@given(any_ingredients, st.sampled_from(KINDS), st.text(max_size=8), st.text(max_size=8))
@settings(max_examples=80, deadline=None)
def test_one_difference_gives_another_key_and_is_named_alone(one, kind, name, value):
    was = getattr(one, kind).get(name)
    assume(was != value)
    other = changed(one, kind, **{name: value})
    assert key(other) != key(one)
    assert differences(one, other) == [line(kind, name, was, value)]
    assert differences(other, one) == [line(kind, name, value, was)]


@given(any_ingredients, any_ingredients)
@settings(max_examples=60, deadline=None)
def test_keys_are_equal_if_and_only_if_nothing_differs(one, other):
    other = replace(other, step=one.step)
    assert (key(one) == key(other)) == (differences(one, other) == []) == (one == other)


@each_kind
def test_each_kind_of_change_is_said_in_words(kind):
    name, value = next(iter(getattr(ONE, kind).items()))
    told = {
        "parameters": ("models was linear, is x", "models was linear, is not given"),
        "inputs": ("splits changed", "splits is gone"),
        "code": ("steps/train.py changed", "steps/train.py is gone"),
        "environment": ("python was 3.11.7, is x", "python was 3.11.7, is absent"),
    }[kind]
    assert differences(ONE, changed(ONE, kind, **{name: "x"})) == [told[0]]
    gone = without(ONE, kind, name)
    assert differences(ONE, gone) == [told[1]]
    assert key(gone) != key(ONE)
    new = {"parameters": f"{name} was not given, is {value}", "inputs": f"{name} is new"}
    new |= {"environment": f"{name} was absent, is {value}", "code": f"{name} is new"}
    assert differences(gone, ONE) == [new[kind]]


def test_a_long_parameter_is_named_but_not_told():
    long, other = (",".join(f"feature_{n}" for n in range(count)) for count in (99, 98))
    assert differences(changed(ONE, "parameters", features=long), ONE) == ["features changed"]
    assert differences(
        changed(ONE, "parameters", features=long), changed(ONE, "parameters", features=other)
    ) == ["features changed"]


def test_parameters_are_named_first_and_packages_last():
    other = changed(ONE, "environment", pandas="4.0.0", duckdb="2.0.0")
    other = changed(other, "code", **{"workflow/models/families.py": "cc"})
    other = changed(other, "inputs", splits="4567")
    other = changed(other, "parameters", seed="43", metric="mae")
    assert differences(ONE, other) == [
        "metric was not given, is mae",
        "seed was 42, is 43",
        "splits changed",
        "workflow/models/families.py changed",
        "duckdb was absent, is 2.0.0",
        "pandas was 3.1.1, is 4.0.0",
    ]


def test_another_entry_point_has_another_key():
    assert key(replace(ONE, step="hpo")) != key(ONE)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_same_name_and_text_of_another_kind_is_another_key(kind):
    given = changed(ONE, "parameters", same="x")
    assert key(given) != key(changed(ONE, kind, same="x"))


def test_a_text_is_not_a_number_nor_with_space_around():
    keys = {key(changed(ONE, "parameters", max_evals=text)) for text in ("1", "1.0", "1 ", "01")}
    assert len(keys) == 4


def test_a_key_stays_the_same_in_every_process_and_version():
    # What has been recorded is found again as long as this holds.
    assert key(ONE) == "a5f8624a0d8435e75ae106e21cb1eb2e"


@given(any_ingredients)
@settings(max_examples=30, deadline=None)
def test_ingredients_are_made_again_from_what_is_written_of_them(one):
    again = Ingredients(**asdict(one))
    assert again == one
    assert key(again) == key(one)


def test_parameters_are_left_out_by_name():
    assert ONE.without("seed", "top_n").parameters == {"models": "linear"}
    assert ONE.without("seed", "top_n").code == ONE.code
    assert ONE.without("top_n") == ONE
    assert ONE.parameters == {"models": "linear", "seed": "42"}  # it is left as it was


def test_what_the_keys_of_a_search_and_its_trials_leave_out():
    given = {"max_evals": "15", "timeout": "none", "top_n": "5", "reuse": "true", "seed": "1"}
    search = changed(ONE, "parameters", **given).without(*cache_key.LEFT_OUT_OF_SEARCH_KEY)
    assert set(search.parameters) == {"models", "seed", "max_evals", "timeout"}
    assert set(search.without(*cache_key.LEFT_OUT_OF_TRIAL_KEY).parameters) == {"models", "seed"}
