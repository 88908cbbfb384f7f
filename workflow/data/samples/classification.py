"""Customers of a made-up phone company, of whom two in five have left."""

import numpy as np
import pandas as pd

ROWS = 5_000

PLANS = ["prepaid", "basic", "family", "unlimited"]
PLAN_SHARES = [0.3, 0.35, 0.2, 0.15]
PLAN_CHARGE = np.array([15.0, 28.0, 48.0, 62.0])  # dollars a month
PLAN_RISK = np.array([1.0, 0.0, -1.2, 0.2])
REGIONS = ["north", "east", "south", "west", "islands"]  # have no effect on leaving
REGION_SHARES = [0.31, 0.24, 0.25, 0.17, 0.03]

GB_PER_DOLLAR = 0.3  # used by a typical customer
TENURE_MONTHS = 28  # on average
SUPPORT_CALLS = 1.2  # on average, in the last three months

# Terms of the logit of leaving.
USUAL_RISK = -6.8
MISMATCH_RISK = 2.5  # for using far less, or far more, than is paid for
NEW_RISK, NEW_MONTHS = 6.0, 8
RENEWAL_RISK, RENEWAL_MONTH, RENEWAL_MONTHS = 4.5, 24, 6
YOUTH_RISK, YOUNG = 0.12, 45  # for each year below
CALL_RISK = 1.4
PATIENCE_MONTHS = 30  # of tenure, with which a call counts half

WRONG_LABEL = 0.05  # share of the customers whose status was recorded wrong
NO_AGE = 0.03  # share of the customers who gave no age


def make(seed: int) -> pd.DataFrame:
    """Fill in 5,000 customers: what they have, use and pay, and whether they have left."""
    rng = np.random.default_rng([seed, *b"classification"])
    plan = rng.choice(len(PLANS), ROWS, p=PLAN_SHARES)
    charge = PLAN_CHARGE[plan] * rng.lognormal(sigma=0.35, size=ROWS)
    mismatch = rng.normal(size=ROWS)
    tenure = np.ceil(rng.exponential(TENURE_MONTHS, ROWS))
    calls = rng.poisson(SUPPORT_CALLS, ROWS)
    age = (18 + 65 * rng.beta(1.6, 2.2, ROWS)).round()

    logit = USUAL_RISK + PLAN_RISK[plan] + MISMATCH_RISK * mismatch**2
    logit += NEW_RISK * np.exp(-tenure / NEW_MONTHS)
    logit += YOUTH_RISK * (YOUNG - age).clip(0)
    logit += RENEWAL_RISK * np.exp(-(((tenure - RENEWAL_MONTH) / RENEWAL_MONTHS) ** 2))
    logit += CALL_RISK * calls / (1 + tenure / PATIENCE_MONTHS)
    left = rng.random(ROWS) < 1 / (1 + np.exp(-logit))

    # From here on nothing changes but what is recorded.
    left ^= rng.random(ROWS) < WRONG_LABEL
    age[rng.random(ROWS) < NO_AGE] = np.nan
    columns = {
        "customer_id": 100_000 + rng.permutation(ROWS),
        "age": age,
        "region": rng.choice(REGIONS, ROWS, p=REGION_SHARES),
        "plan": np.array(PLANS)[plan],
        "tenure_months": tenure.astype("int64"),
        "monthly_charge": charge.round(2),
        "data_gb": (GB_PER_DOLLAR * charge * np.exp(0.9 * mismatch)).round(2),
        "support_calls": calls,
        "status": np.where(left, "churned", "active"),
    }
    return pd.DataFrame(columns)
