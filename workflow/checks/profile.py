"""The splits' profile: how the values of each column are distributed, ready to be drawn.

It is made from the samples that the checks compare, and has what they found of each column. It is
JSON without NaN, whose size does not depend on the rows: about 2 KB for each of the first `DRAWN`
columns, 0.5 KB for those after them, and nothing for those after the first `LISTED`. A column has
at most 43 bins; names, types and texts are cut.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from sql_features.expressions import TARGET
from workflow import binning
from workflow.checks.finding import TRAIN, Finding
from workflow.checks.split_scan import Split
from workflow.checks.value_counts import Numbers, Sample, Texts, ValueKind
from workflow.plain_values import apart, cut, one_line

DRAWN, LISTED = 200, 1_000  # columns
SHORT, LONG_NAME = 40, 100  # characters
SUMMARY = ("mean", "std", "min", "p25", "p50", "p75", "max")  # of numbers


def describe(
    splits: list[Split],
    samples: Mapping[str, Sample],
    kinds: Mapping[str, ValueKind],
    compared: Iterable[Finding],
) -> dict[str, Any]:
    """Return the profile of the splits.

    Args:
        splits: Train among them.
        samples: By split.
        kinds: By column, in the order of the profile.
        compared: The findings of `drift.shifts`.

    Returns:
        A mapping that JSON can hold::

            rows: {split: n}
            sampled: {split: n in the sample, on which all but `missing` is measured}
            unlisted: how many columns are not in `columns`
            columns:
              - name, type
                role: "target" or "feature column"
                kind: "number", "boolean", "text", "time" or "other"
                missing: {split: share of all rows, null where there is none}
                drift: {split but train: population stability index, or null}
                drift_level: {split but train: "ok" or "warning", or null}
                why: null, or why a split's values are not compared with train's

        and, where a column is among the first `DRAWN` and its kind is not "other"::

                distinct: {split: n in the sample}
                summary: of numbers {split: {mean, std, min, p25, p50, p75, max}}, of times
                    {split: {min, max}}; null where there is no value
                edges: of numbers and times (n_bins + 1) ascending ends of bins, which hold their
                    lower end, the last one both; of times in ISO 8601; [] if train has no value
                outside: {split: n of the sampled rows with a value beyond the edges}
                values: of texts and booleans, instead of edges: (n_bins) values
                shares: {split: (n_bins) shares of the sampled rows with a value, null without any}
    """
    verdicts = {(finding.split, finding.column): finding for finding in compared}
    columns = []
    for place, (column, kind) in enumerate(list(kinds.items())[:LISTED]):
        about = _about(column, kind, splits, verdicts)
        if place < DRAWN and kind != "other":
            type = splits[0].types[column]
            values = {name: sample[column] for name, sample in samples.items()}
            about |= {"distinct": {name: one.distinct for name, one in values.items()}}
            about |= DRAW[kind](values, type)
        columns.append(about)
    return {
        "rows": {split.name: split.rows for split in splits},
        "sampled": {
            name: sample[TARGET].known + sample[TARGET].missing for name, sample in samples.items()
        },
        "unlisted": max(len(kinds) - LISTED, 0),
        "columns": columns,
    }


def _about(
    column: str,
    kind: ValueKind,
    splits: list[Split],
    verdicts: Mapping[tuple[str, str], Finding],
) -> dict[str, Any]:
    missing: dict[str, float | None] = {}
    drift: dict[str, float | None] = {}
    level: dict[str, str | None] = {}
    why = None
    for split in splits:
        nulls = 0 if column == TARGET else split.missing[column]  # every row has a target
        missing[split.name] = _rounded(nulls / split.rows) if split.rows else None
        if split.name == TRAIN:
            continue
        verdict = verdicts.get((split.name, column))
        drift[split.name] = level[split.name] = None
        if verdict is None:
            why = "there are no rows to compare."
        elif math.isnan(verdict.value):
            why = verdict.message
        else:
            drift[split.name], level[split.name] = verdict.value, verdict.level
    return {
        "name": cut(column, LONG_NAME),
        "role": "target" if column == TARGET else "feature column",
        "type": cut(splits[0].types[column], LONG_NAME),
        "kind": kind,
        "missing": missing,
        "drift": drift,
        "drift_level": level,
        "why": why,
    }


def _numbers(values: Mapping[str, Numbers], type: str) -> dict[str, Any]:
    edges = binning.number_edges(values[TRAIN].values) if values[TRAIN].known else np.array([])
    drawn = {"edges": [_exact(edge) for edge in edges], **_binned(values, edges)}
    return {"summary": {name: _summary(one) for name, one in values.items()}, **drawn}


def _times(values: Mapping[str, Numbers], type: str) -> dict[str, Any]:
    def said(seconds: Iterable[float]) -> list[str]:
        return [binning.moment(one, type) for one in seconds]

    # Where rows are split by time, bins of train's times would hold nothing of the other splits.
    edges = binning.time_edges([one.values for one in values.values() if one.known], type)
    ends = {
        name: dict(zip(("min", "max"), said(one.values[[0, -1]]), strict=True))
        if one.known
        else None
        for name, one in values.items()
    }
    return {"summary": ends, "edges": said(edges), **_binned(values, edges)}


def _booleans(values: Mapping[str, Numbers], type: str) -> dict[str, Any]:
    counts = {
        name: np.bincount(one.values.astype(int), minlength=2) for name, one in values.items()
    }
    return {"values": ["false", "true"], "shares": _shares(values, counts)}


def _texts(values: Mapping[str, Texts], type: str) -> dict[str, Any]:
    top = binning.most_frequent(values[TRAIN].counted)
    counts = {name: one.count(top) for name, one in values.items()}
    labels = [_label(text) for text in top]
    if any(count[-1] for count in counts.values()):
        labels.append(binning.OTHERS)
    else:
        counts = {name: count[:-1] for name, count in counts.items()}
    return {"values": apart(labels), "shares": _shares(values, counts)}


DRAW: dict[ValueKind, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "number": _numbers,
    "time": _times,
    "boolean": _booleans,
    "text": _texts,
}


def _binned(values: Mapping[str, Numbers], edges: np.ndarray) -> dict[str, Any]:
    counts = {name: binning.count(one.values, edges) for name, one in values.items()}
    outside = {name: one.known - int(counts[name].sum()) for name, one in values.items()}
    return {"outside": outside, "shares": _shares(values, counts)}


def _shares(
    values: Mapping[str, Numbers | Texts], counts: Mapping[str, np.ndarray]
) -> dict[str, list[float | None] | None]:
    return {
        name: [_rounded(share) for share in counts[name] / one.known] if one.known else None
        for name, one in values.items()
    }


def _summary(numbers: Numbers) -> dict[str, float | None] | None:
    if not numbers.known:
        return None
    values = numbers.values
    with np.errstate(all="ignore"):  # numbers that are too great give null, as does std of one row
        mean = values.mean()
        std = np.sqrt(((values - mean) ** 2).sum() / np.float64(len(values) - 1))
        quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    summary = (mean, std, values[0], *quartiles, values[-1])
    return {name: _rounded(one) for name, one in zip(SUMMARY, summary, strict=True)}


def _rounded(number: float) -> float | int | None:
    """Return a number to six digits, or a whole one as it is; None if it is not finite."""
    if not math.isfinite(number):
        return None
    return _exact(number if number % 1 == 0 else float(f"{number:.6g}"))


def _exact(number: float) -> float | int:
    """Return a number as an int if it is whole, so that JSON has no decimal point."""
    whole = abs(number) < binning.MAX_PLUS_HALF and number % 1 == 0
    return int(number) if whole else float(number)


def _label(text: str) -> str:
    return cut(one_line(text) or repr(text), SHORT)
