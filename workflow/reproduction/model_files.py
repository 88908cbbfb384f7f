"""What a logged model's files hold, apart from ids, times and addresses of the moment.

Two fits of the same numbers give files whose bytes differ all the same: skops names each part of
a model by the address that an object had in memory, a zip file holds times, and MLmodel the ids of
the run and the model.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

from workflow import digests
from workflow.tracking.runs import REGISTERED_META

# Keys of MLmodel that say when, where and by which run a model was logged, and not what it is. Its
# size counts the digits of the addresses.
OF_THE_MOMENT = (
    *("artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created"),
    "model_size_bytes",
)
IDS = ("__id__", "file")  # of a node of skops: where it was in memory, and the part of the zip


def contents(folder: Path) -> dict[str, str]:
    """Return what counts of each file of a model: a digest by path, in the order of the paths.

    Args:
        folder: Where the model's files are.
    """
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: _content(path)
        for name, path in sorted(files.items())
        if path.is_file() and path.parent.name != "__pycache__" and name != REGISTERED_META
    }


def _content(path: Path) -> str:
    if path.name == "MLmodel":
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _digest({key: one for key, one in described.items() if key not in OF_THE_MOMENT})
    if path.suffix == ".skops":
        with zipfile.ZipFile(path) as parts:
            return _digest(_node(json.loads(parts.read("schema.json")), parts))
    return digests.of_files([path])


def _node(node: Any, parts: zipfile.ZipFile) -> Any:
    """Return a node of a skops file with the contents of the parts that it names."""
    if isinstance(node, list):
        return [_node(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _node(one, parts) for key, one in node.items() if key not in IDS}
    if "file" in node:
        found["file"] = digests.of_bytes(parts.read(node["file"]))
    return found


def _digest(value: Any) -> str:
    return digests.of_text(json.dumps(value, sort_keys=True, default=str))
