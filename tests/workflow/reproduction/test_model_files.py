import json
import zipfile
from pathlib import Path

import numpy as np
import skops.io
import yaml
from sklearn.ensemble import RandomForestRegressor

from workflow.reproduction.model_files import contents


def logged(folder: Path, *, seed: int = 0, run: str = "1", packages: str = "numpy==2") -> Path:
    """Write what MLflow writes of a forest: an MLmodel file, the forest, its requirements."""
    (folder / "code" / "__pycache__").mkdir(parents=True)
    (folder / "code" / "__pycache__" / "x.pyc").write_text(run)
    x = np.random.default_rng(0).normal(size=(50, 2))
    forest = RandomForestRegressor(n_estimators=3, random_state=seed).fit(x, x[:, 0])
    skops.io.dump(forest, folder / "model.skops")
    described = {"run_id": run, "model_id": f"m-{run}", "flavors": {"sklearn": {"code": "code"}},
                 "utc_time_created": run, "artifact_path": f"/store/{run}"}  # fmt: skip
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    (folder / "requirements.txt").write_text(packages)
    (folder / "registered_model_meta").write_text(run)
    return folder


def test_a_model_logged_twice_has_equal_contents(tmp_path):
    one, other = logged(tmp_path / "1"), logged(tmp_path / "2", run="2")
    assert (one / "model.skops").read_bytes() != (other / "model.skops").read_bytes()
    assert contents(one) == contents(other)
    assert list(contents(one)) == ["MLmodel", "model.skops", "requirements.txt"]


def test_another_number_in_a_tree_is_another_content(tmp_path):
    one, other = contents(logged(tmp_path / "1")), contents(logged(tmp_path / "2", seed=1))
    assert {name for name in one if one[name] != other[name]} == {"model.skops"}


def test_other_requirements_are_another_content(tmp_path):
    one, other = contents(logged(tmp_path / "1")), contents(logged(tmp_path / "2", packages="x"))
    assert {name for name in one if one[name] != other[name]} == {"requirements.txt"}


def test_each_part_of_the_zip_counts(tmp_path):
    one = logged(tmp_path / "1")
    path = logged(tmp_path / "2") / "model.skops"
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    changed = next(name for name in parts if name.endswith(".npy"))
    assert changed in json.dumps(json.loads(parts["schema.json"]))
    parts[changed] = parts[changed][:-1] + bytes([parts[changed][-1] ^ 1])
    with zipfile.ZipFile(path, "w") as after:
        for name, content in parts.items():
            after.writestr(name, content)
    assert contents(one)["model.skops"] != contents(path.parent)["model.skops"]
