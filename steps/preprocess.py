"""Raw files to clean, split Parquet with the dataset's definition beside it."""

import tempfile
import time
from pathlib import Path

import click
import mlflow
from mlflow.tracking import MlflowClient

from workflow import dataset, parameters, runs, samples, sources, splits, step


@click.command()
@click.option("--dataset", "name", required=True, help="Name, path or URI of a dataset file.")
@click.option("--data", required=True, help="'sample', 'default', a folder or a URL prefix.")
@click.option("--target", required=True, help="'none': the dataset file names it.")
@click.option("--task", required=True, help="'auto': the dataset file names it.")
@click.option("--seed", required=True, help="Of the built-in sample.")
def preprocess(name: str, data: str, target: str, task: str, seed: str) -> None:
    start = time.perf_counter()
    seeded = parameters.seed(seed)
    definition = dataset.resolve(*dataset.locate(name, data), target, task)
    with step.run("preprocess"), tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder, "raw"), Path(folder, "splits")
        raw.mkdir()
        out.mkdir()
        files = _raw_files(definition, raw, seeded)
        reports = splits.write_splits(definition, files, out)
        (out / "dataset.yaml").write_text(definition.to_yaml(), encoding="utf-8")
        _log(definition, files, out, reports)
    kept = ", ".join(f"{report.rows:,} {split}" for split, report in reports.items())
    read = sum(report.rows_read for report in reports.values())
    dropped = read - sum(report.rows for report in reports.values())
    step.say("preprocess", f"{kept} rows; {dropped:,} of {read:,} dropped", start)


def _raw_files(definition: dataset.Dataset, folder: Path, seed: int) -> dict[str, Path]:
    """Return a local raw file by split."""
    if definition.data == dataset.SAMPLE:
        files = {}
        for split, name in definition.split.items():
            files[split] = folder / f"{Path(name).stem}.parquet"
            samples.make_sample(definition.sample, split, seed).to_parquet(files[split])
        return files
    fetched = sources.fetch(definition.data, definition.split.values(), folder)
    return {split: fetched[name] for split, name in definition.split.items()}


def _log(
    definition: dataset.Dataset,
    files: dict[str, Path],
    out: Path,
    reports: dict[str, splits.SplitReport],
) -> None:
    run_id = mlflow.active_run().info.run_id
    mlflow.log_artifacts(str(out), "splits")
    mlflow.log_dict(
        {
            split: {"read": report.rows_read, "kept": report.rows, "dropped": report.dropped}
            for split, report in reports.items()
        },
        "rows.json",
    )
    digests = {split: splits.digest(out / f"{split}.parquet") for split in dataset.SPLITS}
    mlflow.set_tags(
        {f"{runs.DIGEST_TAG}.{split}": digest for split, digest in digests.items()}
        | {f"{runs.RAW_DIGEST_TAG}.{split}": splits.digest(path) for split, path in files.items()}
    )
    metrics = {}
    for split, report in reports.items():
        metrics |= {f"{split}_rows": report.rows, f"{split}_rows_read": report.rows_read}
        metrics[f"{split}_rows_dropped_target_missing"], metrics[f"{split}_rows_dropped_where"] = (
            report.dropped.values()
        )
    mlflow.log_metrics(metrics)
    remote = definition.data != dataset.SAMPLE and sources.is_remote(definition.data)
    kind = "code" if definition.data == dataset.SAMPLE else "http" if remote else "local"
    columns = splits.split_columns(out / "train.parquet")
    MlflowClient().log_inputs(
        run_id,
        [
            runs.dataset_input(
                name=definition.name,
                context=split,
                digest=digests[split],
                source={"uri": f"{definition.data.rstrip('/')}/{definition.split[split]}"},
                source_type=kind,
                columns=columns,
                rows=reports[split].rows,
            )
            for split in dataset.SPLITS
        ],
    )


if __name__ == "__main__":
    step.execute(preprocess)
