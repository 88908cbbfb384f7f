import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew
from sklearn.model_selection import cross_validate

from workflow.data import dataset_file
from workflow.data.samples.built_in import make_sample

DEFINITION = dataset_file.load("house_prices")
TYPES = {
    "Id": "int64",
    "Neighborhood": "str",
    "BldgType": "str",
    "LotFrontage": "float64",
    "LotArea": "int64",
    "YearBuilt": "int64",
    "YearRemodAdd": "int64",
    "OverallQual": "str",
    "OverallCond": "str",
    "KitchenQual": "str",
    "GrLivArea": "int64",
    "TotalBsmtSF": "float64",
    "BedroomAbvGr": "int64",
    "Fireplaces": "int64",
    "Heating": "str",
    "CentralAir": "str",
    "GarageType": "str",
    "GarageArea": "int64",
    "MoSold": "int64",
    "YrSold": "int64",
    "SaleCondition": "str",
    "SalePrice": "int64",
}
OFTEN_MISSING = {"LotFrontage": (0.14, 0.20), "GarageType": (0.04, 0.10)}
SELDOM_MISSING = ["TotalBsmtSF", "KitchenQual"]


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    return make_sample("house_prices", None, seed=42)


@pytest.fixture
def errors(model, sales):
    """Cross-validated RMSE and MAPE of a family with some settings."""
    scoring = ["neg_root_mean_squared_error", "neg_mean_absolute_percentage_error"]

    def of(family: str, **settings) -> tuple[float, float]:
        unfitted = model("house_prices", family, sales, **settings)
        shuffled = sales.sample(frac=1, random_state=0)
        found = cross_validate(unfitted, shuffled, shuffled["SalePrice"], cv=3, scoring=scoring)
        return tuple(-found[f"test_{name}"].mean() for name in scoring)

    return of


def test_a_seed_means_the_same_rows_on_every_machine(sales):
    row = sales.iloc[1_504]

    assert row["LotFrontage":"YearBuilt"].to_list() == [84, 11_920, 1928]
    assert row["YrSold":"SalePrice"].to_list() == [2016, "Normal", 115_000]
    assert sales["LotArea"].sum() == 23_348_274
    assert sales["SalePrice"].sum() == 589_897_000


def test_columns_and_types_are_as_documented(sales):
    assert list(sales.dtypes.astype(str).items()) == list(TYPES.items())


def test_a_few_sales_are_listed_twice(sales):
    again = sales.duplicated()

    assert again.sum() == 8
    assert (again == sales["Id"].duplicated()).all()
    assert sales["Id"].is_monotonic_increasing


def test_the_id_is_no_feature_but_keeps_a_sale_in_one_split():
    assert DEFINITION.split.key == ("Id",)
    assert not any("Id" in expression for expression in DEFINITION.features.values())


@pytest.mark.parametrize(("column", "share"), OFTEN_MISSING.items())
def test_what_is_often_missing(sales, column, share):
    low, high = share

    assert low < sales[column].isna().mean() < high


def test_little_else_is_missing(sales):
    missing = sales.drop(columns=[*OFTEN_MISSING]).isna().mean()

    assert set(missing.index[missing > 0]) == set(SELDOM_MISSING)
    assert missing.max() < 0.02


def test_a_garage_without_type_is_no_garage(sales):
    assert (sales["GarageType"].isna() == (sales["GarageArea"] == 0)).all()


def test_years_are_in_order(sales):
    assert (sales["YearBuilt"] <= sales["YearRemodAdd"]).all()
    assert (sales["YearRemodAdd"] <= sales["YrSold"]).all()
    assert sales["YearBuilt"].min() > 1850
    assert set(sales["YrSold"]) == set(range(2015, 2021))
    assert set(sales["MoSold"]) == set(range(1, 13))


def test_there_are_about_25_neighbourhoods_of_different_prices(sales):
    prices = sales.groupby("Neighborhood")["SalePrice"]

    assert 23 <= len(prices) <= 25
    assert prices.size().min() >= 10
    assert prices.median().max() > 1.5 * prices.median().min()


def test_another_seed_leaves_the_town_as_it_is(sales):
    other = make_sample("house_prices", None, seed=43)

    def medians(rows):
        return rows.groupby("Neighborhood")["SalePrice"].median()

    assert medians(sales).corr(medians(other)) > 0.8


def test_prices_are_about_log_normal(sales):
    assert skew(sales["SalePrice"]) > 1
    assert abs(skew(np.log(sales["SalePrice"]))) < 0.5
    assert sales["SalePrice"].between(20_000, 3_000_000).all()


def test_a_foot_is_worth_more_in_a_better_house(sales):
    """An interaction, which an additive model misses."""

    def dollars_a_foot(grade):
        rows = sales[sales["OverallQual"] == grade]
        return np.polyfit(rows["GrLivArea"], rows["SalePrice"], 1)[0]

    assert dollars_a_foot("Ex") > 1.3 * dollars_a_foot("TA") > 1.3 * dollars_a_foot("Fa")


def test_grades_become_numbers_in_their_order(model, sales):
    unfitted = model("house_prices", "linear", sales)
    features = unfitted.steps[0][1].transform(sales)

    for feature, column in [("quality", "OverallQual"), ("kitchen", "KitchenQual")]:
        grades = dict(zip(sales[column], features[feature], strict=True))
        found = [grades[grade] for grade in ("Po", "Fa", "TA", "Gd", "Ex")]
        assert found == [1, 2, 3, 4, 5]
    assert (features["kitchen"].isna() == sales["KitchenQual"].isna()).all()


def test_families_are_told_apart_by_their_errors(errors):
    baseline, linear = errors("baseline"), errors("linear")
    forest = errors("random_forest", n_estimators=20)

    assert np.less(linear, np.multiply(0.5, baseline)).all()
    assert np.less(forest, np.multiply(0.7, baseline)).all()


def test_tuning_makes_boosting_better(errors):
    default = errors("lightgbm")
    tuned = errors("lightgbm", num_leaves=15, colsample_bytree=0.5, learning_rate=0.07)

    assert np.less(tuned, np.multiply(0.97, default)).all()
    assert np.less(tuned, np.multiply(0.95, errors("linear"))).all()
