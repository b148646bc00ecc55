"""Make the pictures of docs/use/report.md anew: measure, write reports, and photograph the pages.

Run it as ``python docs/examples/pictures.py`` in a checkout, with ResNet's torchvision and Chromium
installed. It takes about ten minutes: a part of the ladder on ResNet-18, and the example of
docs/use/profiling.md, whose working tree is slower than its commit.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
VIEWS: Mapping[str, tuple[int, int, str]] = {
    "light": (1200, 900, "light"),
    "dark": (1200, 900, "dark"),
    "phone": (360, 720, "light"),
}
"""Width, height and colour scheme of each picture, by the end of its name."""


def main(folder: Path = ROOT / "docs" / "images") -> None:
    """Write the pictures to a folder.

    Raises:
        RuntimeError: If a page has complained, or asked for anything but its own file.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        pages = {"ladder": ladder(Path(name)), "regression": regression(Path(name) / "project")}
        browser = playwright.chromium.launch(executable_path=chromium, args=[*OPTIONS])
        for title, page in pages.items():
            photograph(browser, page, folder, f"report-{title}")
        browser.close()


def ladder(folder: Path) -> Path:
    """Measure a part of the ladder twice, and return the report of the second run."""
    page = folder / "ladder.html"
    command = [
        "benchmarks/test_ladder.py", "--traingate-scale=smoke",
        f"--benchmark-storage={folder / 'runs'}", "--benchmark-save=run",
    ]  # fmt: skip
    _pytest(ROOT, *command)
    _pytest(ROOT, *command, "--benchmark-compare", f"--traingate-html={page}")
    return page


def regression(folder: Path) -> Path:
    """Measure the example of docs/use/profiling.md, and return its report."""
    shutil.copytree(ROOT / "docs" / "examples" / "slow_copy", folder)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)  # noqa: S603, S607
    guide = (ROOT / "docs" / "use" / "profiling.md").read_text()
    (change,) = re.findall(r"```python\n(.+?)\n(?=y = torch\.relu)", guide, re.DOTALL)
    models = folder / "models.py"
    place = "y = torch.relu(self.conv1(x))"
    indented = change.replace("\n", "\n        ")
    models.write_text(models.read_text().replace(place, f"{indented}\n        {place}"))
    page = folder / "report.html"
    _pytest(folder, "test_speed.py", "--traingate-against=main", f"--traingate-html={page}")
    return page


def photograph(browser: Browser, page: Path, folder: Path, name: str) -> None:
    """Write a picture of a page in each view.

    Raises:
        RuntimeError: If the page has complained, or asked for anything but its own file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for view, (width, height, scheme) in VIEWS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        tab = context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda message, log=complaints: log.append(message.text))
        tab.on("pageerror", lambda error, log=complaints: log.append(str(error)))
        tab.on("request", lambda request, log=complaints: log.append(request.url))
        tab.goto(page.as_uri())
        tab.wait_for_selector("svg")
        tab.screenshot(path=folder / f"{name}-{view}.png")
        context.close()
        if complaints != [page.as_uri()]:
            raise RuntimeError(f"{page.name} has asked for or complained of: {complaints}")


def _pytest(folder: Path, *arguments: str) -> None:
    """Run pytest, which may fail by its verdicts.

    Raises:
        RuntimeError: If it could not measure.
    """
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    status = subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603 - our own
    if status not in {0, 1}:
        raise RuntimeError(f"pytest has ended with {status}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
