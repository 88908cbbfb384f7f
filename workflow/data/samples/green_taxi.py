"""Trip records of green taxis in a made-up New York: a file a month, as the city publishes them."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

MONTHS = {"train": "2023-01", "validation": "2023-02", "test": "2023-03"}
ROWS = 60_000  # in each split

AREAS = [  # zones, miles east and north of the busiest area, spread in miles, pick-ups, pace
    (16, 0.0, 0.0, 0.9, 0.58, 0.95),  # upper Manhattan
    (50, -0.8, -2.2, 1.2, 0.02, 0.7),  # lower Manhattan
    (30, 4.0, -2.5, 1.3, 0.22, 1.05),  # western Queens
    (44, 9.0, -4.0, 2.5, 0.04, 1.4),  # eastern Queens
    (60, -0.5, -8.5, 2.0, 0.11, 0.85),  # Brooklyn
    (60, 2.5, 4.5, 2.0, 0.03, 1.4),  # the Bronx and beyond
]
SURCHARGED_AREA = 1
CITY_SEED = 252  # makes zones about as unequal as real ones, the same whatever the sample's seed
NEARBY_MILES = 1.0  # a destination further away pulls much less
BLOCK_MILES = 0.25  # standard deviation of an address around its zone's centre, on each axis
ROAD_FACTOR = 1.2  # road miles for a straight mile
DETOUR_MILES = 0.2  # to the road and from it

PICKUPS_BY_WEEKDAY = np.array([14, 15, 16, 16, 16, 12, 11])  # from Monday; below, from midnight
PICKUPS_BY_HOUR = np.repeat([15, 8, 15, 43, 53, 61, 77, 61, 48, 30], [2, 4, 1, 2, 5, 2, 3, 1, 1, 3])
MPH_BY_HOUR = np.repeat([11, 13, 9, 8, 9, 10], [3, 4, 7, 5, 2, 3])  # of short trips on working days
WEEKEND_PACE = 1.15  # relative to working days
HIGHWAY_MILES = 8.5  # a trip this long is twice as fast as a short one
BOARDING_MINUTES = 0.9  # for getting in and paying
TRAFFIC_NOISE = 0.28  # standard deviation of the logarithm of a trip's driving time
CRUISE_MPH = 18.0  # the meter charges for minutes beyond those at this speed

# Shares of the trips.
ABORTED = 0.029  # the meter was switched off again within a minute; the cab never left
BY_APP = 0.043  # ordered by app, which reports less: at one mile, growing with the root of miles
FORGOTTEN = 0.003  # the meter ran for most of a day; one in five also counted absurd miles
UNMEASURED = 0.025  # no distance was recorded
MISDATED = 0.0002  # the meter's calendar was a month or fourteen years late
PASSENGERS = [0.006, 0.853, 0.081, 0.014, 0.005, 0.026, 0.015]  # none, one, two, ...


@cache
def _city() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay out each zone's area, its centre (miles, x and y), and the share of trips by route."""
    rng = np.random.default_rng(CITY_SEED)
    zones, x, y, spread, pickups, _ = np.array(AREAS).T
    area = rng.permutation(np.repeat(np.arange(len(AREAS)), zones.astype(int)))
    centre = rng.normal(np.column_stack([x, y])[area], spread[area, None])
    popularity = rng.lognormal(sigma=1.6, size=area.size)
    popularity *= (pickups / np.bincount(area, popularity))[area]
    miles = np.hypot(*(centre[:, None] - centre).T)
    pull = rng.lognormal(sigma=0.8, size=area.size) / (1 + (miles / NEARBY_MILES) ** 2.5)
    routes = popularity[:, None] * pull / pull.sum(axis=1, keepdims=True)
    return area, centre, routes / routes.sum()


def _pickups(rng: np.random.Generator, month: str) -> pd.DatetimeIndex:
    """Draw pick-up times in order, to the second, more of them in busy hours."""
    hours = pd.date_range(month, pd.Period(month).end_time, freq="h", unit="us")
    weight = PICKUPS_BY_WEEKDAY[hours.day_of_week] * PICKUPS_BY_HOUR[hours.hour]
    drawn = rng.choice(hours, ROWS, p=weight / weight.sum())
    return pd.DatetimeIndex(np.sort(drawn + rng.integers(3600, size=ROWS) * np.timedelta64(1, "s")))


def _drive(rng: np.random.Generator, pickup: pd.DatetimeIndex) -> tuple[np.ndarray, ...]:
    """Drive from zone to zone; give the two zones' indices (two rows), miles and minutes."""
    area, centre, routes = _city()
    zones = np.stack(np.divmod(rng.choice(routes.size, ROWS, p=routes.ravel()), len(routes)))
    aborted = rng.random(ROWS) < ABORTED
    zones[1, aborted] = zones[0, aborted]
    start, end = centre[zones] + rng.normal(scale=BLOCK_MILES, size=(2, ROWS, 2))
    miles = DETOUR_MILES + ROAD_FACTOR * np.hypot(*(end - start).T)
    mph = MPH_BY_HOUR[pickup.hour] * np.where(pickup.day_of_week < 5, 1, WEEKEND_PACE)
    mph *= np.array(AREAS)[area[zones], -1].mean(axis=0) * (1 + miles / HIGHWAY_MILES)
    minutes = BOARDING_MINUTES + 60 * miles / mph * rng.lognormal(sigma=TRAFFIC_NOISE, size=ROWS)
    minutes[aborted], miles[aborted] = rng.exponential(0.2, aborted.sum()), 0
    return zones, miles, minutes


def _charge(
    rng: np.random.Generator, pickup: pd.DatetimeIndex, miles: np.ndarray, minutes: np.ndarray
) -> dict[str, np.ndarray]:
    """Charge what the meter says, and what comes on top of it, in dollars."""
    waited = np.maximum(minutes - 60 * miles / CRUISE_MPH, 0)
    fare = 3 + 0.7 * (np.floor(5 * miles) + np.floor(waited))
    rush = (pickup.day_of_week < 5) & (pickup.hour >= 16) & (pickup.hour < 20)
    night = (pickup.hour < 6) | (pickup.hour >= 20)
    return {
        "fare_amount": fare.round(2),
        "extra": np.select([rush, night], [2.5, 1.0]),
        "mta_tax": np.full(ROWS, 0.5),
        "tip_amount": (fare * rng.normal(0.24, 0.07, ROWS).clip(0)).round(2),
        "tolls_amount": np.where(rng.random(ROWS) < 0.03 * (miles - 4), 6.55, 0),
    }


def make(split: str, seed: int) -> pd.DataFrame:
    """Fill in 60,000 trip records of a split's month: local times, miles, dollars."""
    rng = np.random.default_rng([seed, *MONTHS[split].encode()])
    pickup = _pickups(rng, MONTHS[split])
    zones, miles, minutes = _drive(rng, pickup)
    known = np.where(rng.random(ROWS) < BY_APP * np.sqrt(miles), np.nan, 1)
    rate = known * rng.choice([1, 5], ROWS, p=[0.973, 0.027])  # 5: negotiated
    payment = known * rng.choice([1, 2, 3, 4], ROWS, p=[0.639, 0.351, 0.008, 0.002])  # 1: card
    amounts = _charge(rng, pickup, miles, minutes)
    amounts["tip_amount"] *= (rng.random(ROWS) < 0.86) & ~(payment > 1)  # cash tips go unseen
    surcharge = np.where(_city()[0][zones[1]] == SURCHARGED_AREA, 2.75, 0)

    # The trip is made and paid; what follows is only recorded wrong. Real meters count absurd miles
    # on ordinary trips, too: that is left out, for a linear model would learn nothing.
    forgotten = np.flatnonzero(rng.random(ROWS) < FORGOTTEN)
    minutes[forgotten] = 1440 - rng.exponential(40, forgotten.size)
    miles[rng.random(ROWS) < UNMEASURED] = 0
    miles[forgotten[::5]] = rng.lognormal(8.5, 0.9, forgotten[::5].size)
    pickup -= (rng.random(ROWS) < MISDATED) * rng.choice([31, 5113], ROWS) * np.timedelta64(1, "D")
    integer, empty = ("int64", None) if split == "train" else ("int32", np.nan)  # as published
    flags: Any = [None, "Y"]
    columns = {
        "VendorID": rng.choice([1, 2], ROWS, p=[0.135, 0.865]).astype(integer),
        "lpep_pickup_datetime": pickup,
        "lpep_dropoff_datetime": pickup + np.rint(60 * minutes).astype("timedelta64[s]"),
        "store_and_fwd_flag": np.select([known != 1, rng.random(ROWS) < 0.004], flags, "N"),
        "RatecodeID": rate,
        "PULocationID": (zones[0] + 1).astype(integer),
        "DOLocationID": (zones[1] + 1).astype(integer),
        "passenger_count": known * rng.choice(len(PASSENGERS), ROWS, p=PASSENGERS),
        "trip_distance": miles.round(2),
        **amounts,
        "ehail_fee": empty,
        "improvement_surcharge": 1.0,
        "total_amount": (1 + surcharge + sum(amounts.values())).round(2),
        "payment_type": payment,
        "trip_type": np.where(rate == 5, 2, known),
        "congestion_surcharge": known * surcharge,
    }
    return pd.DataFrame(columns)
