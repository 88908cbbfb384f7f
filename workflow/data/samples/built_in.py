"""Built-in samples: made-up rows with the columns, habits and dirt of real tables, offline.

No row is real or drawn from real ones. Each module makes one sample: `make` takes the seed, after
the split where a dataset has a file for each.
"""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from workflow.data.samples import classification, energy_demand, green_taxi, house_prices

# By the name of the sample, then by split; None stands for one table, which a rule splits.
SAMPLES: Mapping[str, Mapping[str | None, Callable[[int], pd.DataFrame]]] = {
    "green_taxi": {split: partial(green_taxi.make, split) for split in green_taxi.MONTHS},
    "energy_demand": {None: energy_demand.make},
    "classification": {None: classification.make},
    "house_prices": {None: house_prices.make},
}


def make_sample(name: str, split: str | None, seed: int) -> pd.DataFrame:
    """Make a sample's rows, in the columns and types of the table that it stands for.

    Args:
        name: A key of `SAMPLES`, else KeyError.
        split: A key of `SAMPLES[name]`, else KeyError: None where the sample is one table.
        seed: 0 or more; the same three arguments give the same rows on every machine.
    """
    return SAMPLES[name][split](seed)
