"""Refresh the pins: `python lock.py` (needs uv on PATH).

The upper, hand-written part of conda.yaml is the one place where a pin is changed. This writes
what those packages pull in into the lower part, and the same pins plus the test tools into
tests/requirements.txt. A version that is already there stays unless a changed pin forces it to
move; `python lock.py --upgrade` takes the newest of everything that is pulled in.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CONDA, TESTS = ROOT / "conda.yaml", ROOT / "tests"
MARKER = "      # Pulled in by the packages above, written by lock.py:\n"
PIN = re.compile(r"^ {6}- (\S+==[^#\n]*?)\s*(?:#.*)?$", re.MULTILINE)


def resolve(requirements: list[str], known: list[str], *options: str) -> list[str]:
    """Resolve requirements for every platform, keeping the `known` pins that still fit."""
    python = re.search(r"python=(\d+\.\d+)", CONDA.read_text())[1]
    with tempfile.TemporaryDirectory() as folder:
        asked, pins = Path(folder, "requirements.in"), Path(folder, "requirements.txt")
        asked.write_text("\n".join(requirements))
        pins.write_text("\n".join(known))  # uv prefers what stands in its output file
        command = ["uv", "pip", "compile", asked, "--output-file", pins, "--quiet", "--universal"]
        layout = ["--no-header", "--no-annotate", "--python-version", python]
        if subprocess.run([*command, *layout, *options]).returncode:
            sys.exit(1)  # uv has said why; nothing was written
        return pins.read_text().splitlines()


def main(options: list[str]) -> None:
    head, _, tail = CONDA.read_text().partition(MARKER)
    chosen = PIN.findall(head)
    pins = resolve(chosen, PIN.findall(tail), *options)
    tools = (TESTS / "requirements.in").read_text().splitlines()
    everything = resolve(
        [*pins, *tools], (TESTS / "requirements.txt").read_text().splitlines(), *options
    )

    names = {pin.partition("==")[0] for pin in chosen}
    pulled_in = [pin for pin in pins if pin.partition("==")[0] not in names]
    CONDA.write_text(head + MARKER + "".join(f"      - {pin}\n" for pin in pulled_in))
    note = "# Written by lock.py, from conda.yaml and requirements.in.\n"
    (TESTS / "requirements.txt").write_text(note + "".join(f"{pin}\n" for pin in everything))


if __name__ == "__main__":
    main(sys.argv[1:])
