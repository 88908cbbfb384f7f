import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score

from workflow.data import dataset_file
from workflow.data.samples.built_in import make_sample
from workflow.models.search_space import Whole

DEFINITION = dataset_file.load("classification")


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return make_sample("classification", None, seed=42)


@pytest.fixture
def accuracy(model, customers):
    """Cross-validated accuracy of a family with some settings."""

    def of(family: str, **settings) -> float:
        unfitted = model("classification", family, customers, **settings)
        return cross_val_score(unfitted, customers, customers["status"], cv=3).mean()

    return of


def churned(customers: pd.DataFrame) -> float:
    return (customers["status"] == "churned").mean()


def test_a_seed_means_the_same_rows_on_every_machine(customers):
    assert customers.iloc[2_500].to_list() == [
        104_793, 54, "north", "basic", 17, 33.99, 9.52, 1, "active"
    ]  # fmt: skip
    assert customers["monthly_charge"].sum() == pytest.approx(176_250.60)
    assert customers["data_gb"].sum() == pytest.approx(78_962.31)
    assert (customers["status"] == "churned").sum() == 2_015


def test_columns_and_types_are_as_documented(customers):
    assert customers.dtypes.astype(str).to_dict() == {
        "customer_id": "int64",
        "age": "float64",
        "region": "str",
        "plan": "str",
        "tenure_months": "int64",
        "monthly_charge": "float64",
        "data_gb": "float64",
        "support_calls": "int64",
        "status": "str",
    }


@pytest.mark.parametrize("seed", range(5))
def test_two_in_five_customers_have_left(seed):
    assert 0.38 < churned(make_sample("classification", None, seed)) < 0.43


def test_a_customer_is_there_once(customers):
    assert customers["customer_id"].is_unique


def test_ages_are_missing_and_nothing_else(customers):
    missing = customers.isna().mean()

    assert 0.02 < missing.pop("age") < 0.04
    assert missing.sum() == 0


def test_values_are_plausible(customers):
    assert customers["age"].dropna().between(18, 85).all()
    assert customers["tenure_months"].between(1, 400).all()
    assert customers["monthly_charge"].between(2, 300).all()
    assert customers["data_gb"].between(0, 1_000).all()


def test_customers_leave_who_use_far_less_or_far_more_than_they_pay_for(customers):
    use = pd.qcut(customers["data_gb"] / customers["monthly_charge"], 5, labels=False)
    shares = [churned(customers[use == fifth]) for fifth in range(5)]

    assert min(shares[0], shares[4]) > 1.5 * max(shares[1:4])


def test_customers_leave_when_they_are_new_and_when_the_contract_ends(customers):
    def share(first, last):
        return churned(customers[customers["tenure_months"].between(first, last)])

    assert share(1, 4) > 1.3 * share(12, 15)
    assert share(21, 27) > 1.3 * share(12, 15)
    assert share(21, 27) > 1.3 * share(36, 60)


def test_neighbours_and_a_forest_beat_the_baseline_and_differ(accuracy):
    baseline, neighbours = accuracy("baseline"), accuracy("kneighbors")
    forest = accuracy("random_forest")

    assert baseline < 0.62
    assert baseline + 0.1 < neighbours < forest - 0.01
    assert forest < 0.9  # some labels are wrong


def test_the_search_has_something_to_find(accuracy):
    neighbours = [accuracy("kneighbors", n_neighbors=number) for number in (1, 15)]
    depths = [accuracy("random_forest", max_depth=depth, n_estimators=30) for depth in (2, 12)]

    assert neighbours[0] + 0.02 < neighbours[1]
    assert depths[0] + 0.05 < depths[1]


def test_only_main_settings_of_neighbours_and_forests_are_searched():
    searched = {
        family: {name for name, domain in space.items() if isinstance(domain, Whole)}
        for family, space in DEFINITION.search.items()
    }

    assert searched == {
        "kneighbors": {"n_neighbors"},
        "random_forest": {"max_depth", "n_estimators"},
    }
