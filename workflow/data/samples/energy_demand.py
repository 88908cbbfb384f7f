"""Hourly electricity demand of a made-up region, from its weather and its people's habits."""

from itertools import accumulate

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

FIRST, LAST = "2018-01-01 00:00", "2020-12-31 23:00"  # standard time: no hour occurs twice
HOURS_A_YEAR = 8_766

# Degrees Fahrenheit.
MEAN, YEAR_SWING, DAY_SWING = 56.0, 22.0, 8.0
COLDEST_DAY, COLDEST_HOUR = 20, 4
WEATHER = 7.5  # standard deviation of the air around its mean for the season and the hour
HEATED_BELOW, COOLED_ABOVE = 58.0, 66.0

# Share of a deviation that remains after an hour.
WEATHER_KEPT = 0.99
WARMTH_KEPT = 0.88  # in houses, which follow the air with a delay of some eight hours
NOISE_KEPT = 0.95

BASE_MW = 5_200.0
GROWTH = 0.06  # a year
# Percent of the base load by hour, from midnight; the terms below are shares of the base load.
WORKDAY = "77 74 72 72 74 81 93 102 105 105 105 105 105 105 104 104 106 110 114 114 111 105 95 85"
DAY_OFF = "77 73 71 70 70 72 76 82 89 93 95 96 96 95 94 94 97 102 106 107 104 98 90 82"
HEATING, COOLING = 0.007, 0.021  # for each degree
COOLING_ON_A_DAY_OFF = 0.9  # relative to a working day
PUMPS = 0.05  # for irrigation, from June to August
LIGHTS = 0.06  # in the evenings of midwinter
NOISE = 0.02  # standard deviation of the rest

STATION_OUTAGES, METER_OUTAGES = 14, 8  # in all three years
OUTAGE_HOURS = 9  # on average
FAILED_READINGS = 15  # hours for which the meter reported 0


def make(seed: int) -> pd.DataFrame:
    """Fill in three years of hours: the time, the air's temperature at a station, the demand."""
    rng = np.random.default_rng([seed, *b"energy_demand"])
    time = pd.date_range(FIRST, LAST, freq="h", unit="us")
    hour = time.hour.to_numpy()
    winter = np.cos(2 * np.pi * (time.day_of_year.to_numpy() - COLDEST_DAY) / 365.25)  # 1 to -1
    night = np.cos(2 * np.pi * (hour - COLDEST_HOUR) / 24)
    air = MEAN - YEAR_SWING * winter - DAY_SWING * night
    air += _series(rng.normal(scale=WEATHER, size=time.size), WEATHER_KEPT)
    house = _follow(air)

    holidays = USFederalHolidayCalendar().holidays(FIRST, LAST)
    day_off = (time.day_of_week >= 5) | time.normalize().isin(holidays)
    load = np.where(day_off, *(_by_hour(hours)[hour] for hours in (DAY_OFF, WORKDAY)))
    load += HEATING * (HEATED_BELOW - house).clip(0)
    load += COOLING * (house - COOLED_ABOVE).clip(0) * np.where(day_off, COOLING_ON_A_DAY_OFF, 1)
    load += PUMPS * time.month.isin([6, 7, 8])
    load += LIGHTS * winter.clip(0) * ((hour >= 17) & (hour < 22))
    load *= (1 + GROWTH) ** (np.arange(time.size) / HOURS_A_YEAR)
    load *= 1 + _series(rng.normal(scale=NOISE, size=time.size), NOISE_KEPT)
    demand = np.rint(BASE_MW * load)

    # From here on nothing changes but what is recorded.
    air[_outages(rng, time.size, STATION_OUTAGES)] = np.nan
    demand[_outages(rng, time.size, METER_OUTAGES)] = np.nan
    demand[rng.choice(time.size, FAILED_READINGS, replace=False)] = 0
    return pd.DataFrame({"timestamp": time, "temp_F": air.round(1), "demand_MW": demand})


def _by_hour(percent: str) -> np.ndarray:
    return np.array(percent.split(), dtype=float) / 100


def _series(noise: np.ndarray, kept: float) -> np.ndarray:
    """Make a first-order autoregressive series of white noise, with the same deviation."""
    noise[1:] *= np.sqrt(1 - kept**2)
    return np.array([*accumulate(noise, lambda last, shock: kept * last + shock)])


def _follow(air: np.ndarray) -> np.ndarray:
    """Return the temperature of houses, a moving average of the air's over the last hours."""
    kept = WARMTH_KEPT
    return np.array([*accumulate(air, lambda house, now: kept * house + (1 - kept) * now)])


def _outages(rng: np.random.Generator, hours: int, number: int) -> np.ndarray:
    """Draw which hours are in one of several outages."""
    starts = rng.integers(hours, size=number)
    lengths = rng.geometric(1 / OUTAGE_HOURS, size=number)
    since = np.arange(hours)[:, None] - starts
    return np.asarray(((since >= 0) & (since < lengths)).any(axis=1))
