import duckdb
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error

from workflow.data.samples import green_taxi
from workflow.data.samples.built_in import make_sample
from workflow.data.samples.green_taxi import MONTHS

GREEN_TAXI_TYPES = {
    "VendorID": "INTEGER",
    "lpep_pickup_datetime": "TIMESTAMP",
    "lpep_dropoff_datetime": "TIMESTAMP",
    "store_and_fwd_flag": "VARCHAR",
    "RatecodeID": "DOUBLE",
    "PULocationID": "INTEGER",
    "DOLocationID": "INTEGER",
    "passenger_count": "DOUBLE",
    "trip_distance": "DOUBLE",
    "fare_amount": "DOUBLE",
    "extra": "DOUBLE",
    "mta_tax": "DOUBLE",
    "tip_amount": "DOUBLE",
    "tolls_amount": "DOUBLE",
    "ehail_fee": "DOUBLE",
    "improvement_surcharge": "DOUBLE",
    "total_amount": "DOUBLE",
    "payment_type": "DOUBLE",
    "trip_type": "DOUBLE",
    "congestion_surcharge": "DOUBLE",
}
# The published file of January 2023 differs from the later ones.
JANUARY_TYPES = {
    "VendorID": "BIGINT",
    "PULocationID": "BIGINT",
    "DOLocationID": "BIGINT",
    "ehail_fee": '"NULL"',
}
UNREPORTED_BY_APPS = [
    "store_and_fwd_flag",
    "RatecodeID",
    "passenger_count",
    "payment_type",
    "trip_type",
    "congestion_surcharge",
]


def minutes(trips: pd.DataFrame) -> pd.Series:
    return (trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]).dt.total_seconds() / 60


def clean(trips: pd.DataFrame) -> pd.DataFrame:
    """The trips that a model learns from, with the target and what it depends on beside them."""
    trips = trips.assign(
        minutes=minutes(trips),
        hour=trips["lpep_pickup_datetime"].dt.hour,
        weekday=trips["lpep_pickup_datetime"].dt.day_of_week,
    )
    return trips[trips["minutes"].between(1, 60)]


@pytest.fixture(scope="module")
def trips() -> dict[str, pd.DataFrame]:
    return {split: make_sample("green_taxi", split, seed=42) for split in MONTHS}


@pytest.fixture(params=MONTHS)
def split(request) -> str:
    return request.param


def test_the_same_seed_makes_the_same_rows(trips, split):
    green_taxi._city.cache_clear()

    pd.testing.assert_frame_equal(make_sample("green_taxi", split, seed=42), trips[split])


def test_a_seed_means_the_same_rows_on_every_machine(trips):
    train = trips["train"]
    row = train.iloc[30_000]

    assert row["lpep_pickup_datetime"] == pd.Timestamp("2023-01-16 16:35:33")
    assert row["lpep_dropoff_datetime"] == pd.Timestamp("2023-01-16 16:46:48")
    assert (row["PULocationID"], row["DOLocationID"]) == (177, 184)
    assert (row["trip_distance"], row["total_amount"]) == (1.46, 16.1)
    assert train["trip_distance"].sum() == pytest.approx(466_842.37)
    assert train["total_amount"].sum() == pytest.approx(1_250_134.05)
    assert (train["PULocationID"] * train["DOLocationID"]).sum() == 1_201_505_487


def test_another_seed_makes_other_rows(trips, split):
    other = make_sample("green_taxi", split, seed=43)

    assert len(other) == len(trips[split])
    assert (other["trip_distance"] == trips[split]["trip_distance"]).mean() < 0.1


def test_another_seed_leaves_the_zones_where_they_are(trips):
    def miles_by_route(trips):
        routes = clean(trips)[lambda t: t["trip_distance"] > 0].groupby(
            ["PULocationID", "DOLocationID"]
        )
        return routes["trip_distance"].median()[routes.size() > 200]

    here = miles_by_route(trips["train"])
    there = miles_by_route(make_sample("green_taxi", "train", seed=43))

    assert (here - there).abs().max() < 0.2


def test_splits_are_different_rows(trips):
    train, validation, test = trips.values()

    assert (train["trip_distance"] == validation["trip_distance"]).mean() < 0.1
    assert (validation["trip_distance"] == test["trip_distance"]).mean() < 0.1


def test_pickups_are_in_the_month_of_the_split_but_for_a_handful(trips, split):
    month = trips[split]["lpep_pickup_datetime"].dt.strftime("%Y-%m")

    assert 1 <= (month != MONTHS[split]).sum() <= 60


def test_pickups_fill_the_month(trips, split):
    month = pd.Period(MONTHS[split])
    days = trips[split]["lpep_pickup_datetime"].dt.to_period("D").value_counts()

    assert days[pd.period_range(month.start_time, month.end_time, freq="D")].min() > 1000


def test_parquet_types_are_those_of_the_published_file(trips, split, tmp_path):
    trips[split].to_parquet(tmp_path / "trips.parquet")
    columns = duckdb.sql(f"DESCRIBE FROM '{tmp_path}/trips.parquet'").fetchall()

    published = GREEN_TAXI_TYPES | (JANUARY_TYPES if split == "train" else {})
    assert [(name, kind) for name, kind, *_ in columns] == list(published.items())


def test_times_are_in_microseconds_as_in_the_published_file(trips, split):
    times = trips[split][["lpep_pickup_datetime", "lpep_dropoff_datetime"]]

    assert (times.dtypes == "datetime64[us]").all()


def test_what_apps_do_not_report_is_missing_together(trips, split):
    missing = trips[split][UNREPORTED_BY_APPS].isna()

    assert 0.05 < missing["RatecodeID"].mean() < 0.08
    assert missing.eq(missing["RatecodeID"], axis=0).all(axis=None)


def test_nothing_else_is_missing_but_the_fee_that_is_never_charged(trips, split):
    missing = trips[split].drop(columns=UNREPORTED_BY_APPS).isna().mean()

    assert missing.pop("ehail_fee") == 1
    assert missing.sum() == 0


def test_a_few_per_cent_of_the_durations_are_dirt(trips, split):
    duration = minutes(trips[split])

    assert 0.02 < (~duration.between(1, 60)).mean() < 0.06
    assert (duration == 0).any()
    assert duration.between(1200, 1440).sum() > 100
    assert duration.min() >= 0


def test_some_distances_are_dirt(trips, split):
    miles = trips[split]["trip_distance"]

    assert 0.03 < (miles == 0).mean() < 0.07
    assert (clean(trips[split])["trip_distance"] == 0).mean() > 0.01
    assert miles.max() > 5000


def test_absurd_distances_do_not_survive_the_filter_on_duration(trips, split):
    assert clean(trips[split])["trip_distance"].max() < 100


def test_durations_and_distances_are_spread_as_in_the_real_months(trips):
    made = pd.concat(trips.values())
    quantiles = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95]

    # Of the 205,064 green-taxi trips of January to March 2023.
    np.testing.assert_allclose(
        minutes(made).quantile(quantiles), [4.48, 7.25, 11.50, 17.80, 27.00, 34.85], rtol=0.1
    )
    np.testing.assert_allclose(
        made["trip_distance"].quantile(quantiles), [0.60, 1.11, 1.86, 3.29, 6.00, 8.03], rtol=0.12
    )


def test_few_zones_have_most_of_the_pickups(trips):
    zones = trips["train"]["PULocationID"].value_counts(normalize=True)

    assert len(zones) > 200
    assert zones.index.min() >= 1
    assert zones.index.max() <= 260
    assert 0.4 < zones.iloc[:5].sum() < 0.6


def test_most_destinations_are_near(trips):
    miles = trips["train"]["trip_distance"]

    assert miles.median() < 2.5
    assert miles.quantile(0.99) > 10


def test_later_months_have_zones_that_training_has_not_seen(trips):
    seen = trips["train"]["PULocationID"].unique()

    assert not trips["validation"]["PULocationID"].isin(seen).all()
    assert not trips["test"]["PULocationID"].isin(seen).all()


def test_longer_trips_last_longer(trips, split):
    rides = clean(trips[split])

    assert 0.6 < rides["minutes"].corr(rides["trip_distance"]) < 0.9


def test_rush_hours_are_slower_than_nights_and_weekends(trips):
    rides = clean(trips["train"])
    mph = 60 * rides["trip_distance"] / rides["minutes"]
    working_day = rides["weekday"] < 5
    rush = mph[working_day & rides["hour"].between(15, 18)].median()

    assert rush < 0.8 * mph[rides["hour"] < 5].median()
    assert rush < 0.9 * mph[~working_day & rides["hour"].between(15, 18)].median()


def test_amounts_add_up_to_the_total(trips, split):
    rides = trips[split].dropna(subset="congestion_surcharge")
    amounts = rides.loc[:, "fare_amount":"tolls_amount"].sum(axis=1)
    surcharges = rides["improvement_surcharge"] + rides["congestion_surcharge"]

    np.testing.assert_allclose(amounts + surcharges, rides["total_amount"], atol=0.006)


def test_fares_follow_distance_and_time(trips):
    rides = clean(trips["train"])[lambda t: t["trip_distance"] > 0]
    features = rides[["trip_distance", "minutes"]]
    model = LinearRegression().fit(features, rides["fare_amount"])

    assert model.score(features, rides["fare_amount"]) > 0.95
    assert (model.coef_ > 0).all()


def test_a_model_has_more_to_learn_than_the_distance(trips):
    train, validation = clean(trips["train"]), clean(trips["validation"])
    features = ["PULocationID", "DOLocationID", "trip_distance", "hour", "weekday"]

    def rmse(model, columns):
        model.fit(train[columns], train["minutes"])
        return root_mean_squared_error(validation["minutes"], model.predict(validation[columns]))

    spread = validation["minutes"].std()
    linear = rmse(LinearRegression(), ["trip_distance"])
    boosted = rmse(LGBMRegressor(n_jobs=1, random_state=0, verbose=-1), features)

    assert linear < 0.75 * spread
    assert boosted < 0.85 * linear
