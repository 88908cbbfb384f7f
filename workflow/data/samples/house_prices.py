"""Sales of houses in a made-up town, as its assessor lists them."""

from typing import Any

import numpy as np
import pandas as pd

HOUSES = 3_000
ENTERED_TWICE = 8  # sales that are listed again

TOWN_SEED = 1872  # makes the neighbourhoods, which are the same whatever the sample's seed is
NEIGHBORHOODS = [
    "AlderHill", "Ashgrove", "Birchwood", "Brookside", "CedarView", "Clayfield", "Dunmore",
    "Eastgate", "Elmhurst", "Fairmount", "Glenview", "Harbor", "Highland", "Ironworks",
    "Kingsway", "Lakeside", "Maplewood", "MillRace", "Northgate", "Oakridge", "OldTown",
    "Parkside", "Riverbend", "Stonebridge", "Westfield",
]  # fmt: skip
FOUNDED = (1915, 2010)  # years in which the neighbourhoods were founded
FIRST_YEAR, LAST_YEAR = 2015, 2020  # of the sales
SALES_BY_MONTH = np.array([4, 5, 7, 10, 14, 17, 16, 8, 5, 6, 5, 3])
GRADES = np.array(["Po", "Fa", "TA", "Gd", "Ex"])  # poor, fair, typical, good, excellent
TYPICAL = 2

# Dollars.
FOOT = 78.0  # a square foot of a new, typical house
BASEMENT_FOOT, GARAGE_FOOT = 24.0, 32.0
FIREPLACE = 5_500.0
LAND = 550.0  # times the root of the lot's square feet

# Terms of a logarithm: GRADE to CONDITION of the price of a foot, the others of the whole price.
GRADE = 0.45  # for each grade of quality
AGE = -1 / 75  # for each year
CONDITION = 0.2  # for each grade in an old house; a new one's condition has no effect
DESIRABLE = 0.18  # for a standard deviation of desirability
MARKET = 0.045  # for each year
SPRING = 0.02  # from April to July
NO_AIR = -0.06
DUPLEX = -0.16
FORCED = -0.25
NOISE = 0.08  # standard deviation of the rest, which no column explains

# Shares of the sales.
FORCED_SALES = 0.06
NO_BASEMENT = 0.03
FRONTAGE_UNKNOWN, BASEMENT_UNKNOWN, KITCHEN_UNKNOWN = 0.17, 0.01, 0.006


def make(seed: int) -> pd.DataFrame:
    """Fill in some 3,000 sales: years, grades, feet and square feet, dollars."""
    rng = np.random.default_rng([seed, *b"house_prices"])
    desirability, founded, sales = _town()
    place = rng.choice(len(NEIGHBORHOODS), HOUSES, p=sales)
    sold = rng.integers(FIRST_YEAR, LAST_YEAR + 1, HOUSES)
    month = rng.choice(np.arange(1, 13), HOUSES, p=SALES_BY_MONTH / SALES_BY_MONTH.sum())
    forced = rng.random(HOUSES) < FORCED_SALES
    built = np.minimum(rng.normal(founded[place], 9).astype("int64"), sold)
    old = 1 - np.exp((built - sold) / 40)  # from 0 to 1
    renewed = np.where(rng.random(HOUSES) < 0.55 * old, rng.integers(built, sold + 1), built)

    quality = _grade(rng.normal(0.5 + 0.5 * desirability[place] - 0.9 * old, 0.7))
    condition = _grade(rng.normal(0.1, 0.75, HOUSES))
    kitchen = _grade(rng.normal(quality - TYPICAL, 0.6))
    living = rng.lognormal(7.02 + 0.1 * quality, 0.33).round()
    bedrooms = rng.normal(living / 480, 0.6).round().clip(1)
    basement = (living * rng.uniform(0.4, 1, HOUSES)).round()
    basement[rng.random(HOUSES) < NO_BASEMENT] = 0
    kind = rng.choice(["1Fam", "Twnhs", "Duplex"], HOUSES, p=[0.84, 0.11, 0.05])
    lot = rng.lognormal(8.95 + 0.1 * desirability[place] - (kind == "Twnhs"), 0.35).round()
    frontage = (np.sqrt(lot) * rng.normal(0.7, 0.1, HOUSES)).round()
    garage_type, garage = _garage(rng, old)
    gas = rng.random(HOUSES) > 0.12 * old
    air = rng.random(HOUSES) > 0.25 * old**3
    fireplaces = rng.poisson(0.25 * quality)

    foot = GRADE * (0.7 * quality + 0.3 * kitchen - TYPICAL)
    foot += AGE * (sold - (built + renewed) / 2) + CONDITION * old * (condition - TYPICAL)
    worth = FOOT * np.exp(foot) * living + BASEMENT_FOOT * basement + GARAGE_FOOT * garage
    worth += FIREPLACE * fireplaces + LAND * np.sqrt(lot)
    whole = DESIRABLE * desirability[place] + MARKET * (sold - FIRST_YEAR)
    whole += SPRING * ((month >= 4) & (month <= 7)) + NO_AIR * ~air
    whole += DUPLEX * (kind == "Duplex") + FORCED * forced
    price = worth * rng.lognormal(whole, NOISE)

    # From here on nothing changes but what is recorded.
    kitchen_grade = GRADES[kitchen].astype(object)
    kitchen_grade[rng.random(HOUSES) < KITCHEN_UNKNOWN] = None
    frontage[rng.random(HOUSES) < FRONTAGE_UNKNOWN] = np.nan
    basement[rng.random(HOUSES) < BASEMENT_UNKNOWN] = np.nan
    columns = {
        "Id": np.arange(1, HOUSES + 1),
        "Neighborhood": np.array(NEIGHBORHOODS)[place],
        "BldgType": kind,
        "LotFrontage": frontage,
        "LotArea": lot.astype("int64"),
        "YearBuilt": built,
        "YearRemodAdd": renewed,
        "OverallQual": GRADES[quality],
        "OverallCond": GRADES[condition],
        "KitchenQual": kitchen_grade,
        "GrLivArea": living.astype("int64"),
        "TotalBsmtSF": basement,
        "BedroomAbvGr": bedrooms.astype("int64"),
        "Fireplaces": fireplaces,
        "Heating": np.where(gas, "GasA", rng.choice(["GasW", "Grav", "Wall"], HOUSES)),
        "CentralAir": np.where(air, "Y", "N"),
        "GarageType": garage_type,
        "GarageArea": garage,
        "MoSold": month,
        "YrSold": sold,
        "SaleCondition": np.where(forced, "Abnorml", "Normal"),
        "SalePrice": (500 * (price / 500).round()).astype("int64"),
    }
    again = rng.choice(HOUSES, ENTERED_TWICE, replace=False)
    rows = np.sort(np.append(np.arange(HOUSES), again))
    return pd.DataFrame(columns).take(rows).reset_index(drop=True)


def _town() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay out each neighbourhood's desirability, year of foundation, and share of the sales."""
    rng = np.random.default_rng(TOWN_SEED)
    desirability = rng.normal(size=len(NEIGHBORHOODS))
    founded = rng.uniform(*FOUNDED, len(NEIGHBORHOODS))
    return desirability, founded, rng.dirichlet(np.full(len(NEIGHBORHOODS), 3.0))


def _grade(level: np.ndarray) -> np.ndarray:
    """Return the indices of grades, from the worst; a level of 0 is a typical house's."""
    return np.asarray(np.digitize(level, [-1.6, -0.8, 0.4, 1.3]))


def _garage(rng: np.random.Generator, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw a garage's type, None where there is none, and its square feet."""
    none = rng.random(HOUSES) < 0.02 + 0.08 * old
    apart = rng.random(HOUSES) < 0.75 * old
    within = np.where(rng.random(HOUSES) < 0.12, "BuiltIn", "Attchd")
    cars = rng.choice([1, 2, 3], HOUSES, p=[0.25, 0.55, 0.2])
    feet = 30 + 230 * cars + rng.integers(-30, 60, HOUSES)
    kinds: Any = [None, "Detchd"]
    return np.select([none, apart], kinds, within), np.where(none, 0, feet)
