from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from workflow.data import dataset_file
from workflow.data.samples.built_in import make_sample

DEFINITION = dataset_file.load("energy_demand")


@pytest.fixture(scope="module")
def hours() -> pd.DataFrame:
    return make_sample("energy_demand", None, seed=42)


@pytest.fixture(scope="module")
def demand(hours) -> pd.DataFrame:
    """The hours that a model learns from, with what the demand depends on beside them."""
    hours = hours.assign(
        hour=hours["timestamp"].dt.hour,
        month=hours["timestamp"].dt.month,
        year=hours["timestamp"].dt.year,
        weekend=hours["timestamp"].dt.day_of_week >= 5,
    )
    return hours[hours["demand_MW"] > 0].reset_index(drop=True)


def rmse_by_feature_set(make, rows: pd.DataFrame) -> list[float]:
    """Cross-validated on folds in the order of time."""
    return [
        -cross_val_score(
            make(features),
            rows,
            rows["demand_MW"],
            cv=TimeSeriesSplit(5),
            scoring="neg_root_mean_squared_error",
        ).mean()
        for features in DEFINITION.feature_sets
    ]


def longest_run(gap: pd.Series) -> int:
    return gap.groupby((~gap).cumsum()).sum().max()


def test_a_seed_means_the_same_rows_on_every_machine(hours):
    assert hours.iloc[13_152].to_list() == [pd.Timestamp("2019-07-03 00:00"), 76.3, 6395]
    assert hours["temp_F"].sum() == pytest.approx(1_448_325.5)
    assert hours["demand_MW"].sum() == 162_049_340


def test_columns_and_types_are_as_documented(hours):
    assert hours.dtypes.astype(str).to_dict() == {
        "timestamp": "datetime64[us]",
        "temp_F": "float64",
        "demand_MW": "float64",
    }


def test_every_hour_of_three_years_is_there_once(hours):
    expected = pd.date_range("2018-01-01", "2020-12-31 23:00", freq="h")

    assert hours["timestamp"].to_list() == expected.to_list()


def test_gaps_in_the_temperature_are_outages_of_hours(hours):
    gap = hours["temp_F"].isna()

    assert 0.002 < gap.mean() < 0.01
    assert longest_run(gap) > 5


def test_a_few_demands_are_missing_and_a_few_are_zero(hours):
    assert 0.001 < hours["demand_MW"].isna().mean() < 0.006
    assert 5 <= (hours["demand_MW"] == 0).sum() <= 15


def test_temperatures_and_demands_are_plausible(demand):
    assert demand["temp_F"].between(-25, 115)[demand["temp_F"].notna()].all()
    assert demand["demand_MW"].between(3_000, 15_000).all()


def test_weather_lasts(demand):
    from_season = demand["temp_F"] - demand.groupby(["month", "hour"])["temp_F"].transform("mean")

    assert from_season.corr(from_season.shift(1)) > 0.95
    assert 0.5 < from_season.corr(from_season.shift(24)) < 0.95
    assert abs(from_season.corr(from_season.shift(24 * 30))) < 0.2


def test_cold_and_heat_both_raise_the_demand(demand):
    evenings = demand[demand["hour"] == 18]
    air, megawatts = evenings["temp_F"], evenings["demand_MW"]
    mild = megawatts[air.between(58, 66)].mean()

    assert megawatts[air < 30].mean() > 1.15 * mild
    assert megawatts[air > 85].mean() > 1.25 * mild


def test_demand_is_lower_at_night_and_on_days_off(demand):
    by_hour = demand.groupby("hour")["demand_MW"].mean()
    christmas = demand[demand["timestamp"].dt.strftime("%m-%d") == "12-25"]
    december = demand[(demand["month"] == 12) & ~demand["weekend"]]
    by_weekend = demand[demand["hour"] == 9].groupby("weekend")["demand_MW"].mean()

    assert by_hour.idxmin() in (2, 3, 4)
    assert by_hour.idxmax() in (17, 18, 19)
    assert by_weekend[True] < 0.92 * by_weekend[False]
    assert christmas["demand_MW"].mean() < 0.98 * december["demand_MW"].mean()


def test_demand_grows_from_year_to_year(demand):
    assert demand.groupby("year")["demand_MW"].mean().pct_change().dropna().gt(0.03).all()


def test_feature_sets_grow_from_the_temperature_to_everything():
    sets = [set(members) for members in DEFINITION.feature_sets.values()]

    assert sets[0] == {"temp_F"}
    assert sets[-1] == set(DEFINITION.features)
    assert all(smaller < larger for smaller, larger in pairwise(sets))


@pytest.mark.parametrize("seed", [42, 1, 2])
def test_every_larger_feature_set_makes_linear_models_better(model, seed):
    rows = make_sample("energy_demand", None, seed)[::5]  # each hour of the day in its turn
    rows = rows[rows["demand_MW"] > 0].head(int(0.85 * len(rows)))

    def plain(features):
        sql = model("energy_demand", "linear", rows, features).steps[0][1]
        return make_pipeline(sql, SimpleImputer(strategy="median"), LinearRegression())

    def bent(features):
        return model("energy_demand", "linear", rows, features)

    plain_rmse, bent_rmse = rmse_by_feature_set(plain, rows), rmse_by_feature_set(bent, rows)

    assert all(after < 0.98 * before for before, after in pairwise(plain_rmse))
    assert all(after < 0.98 * before for before, after in pairwise(bent_rmse))
    assert np.less(bent_rmse, plain_rmse).all()
