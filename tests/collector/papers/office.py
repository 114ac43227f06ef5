"""LibreOffice and poppler, as programs of their own: what others see in our papers."""

import subprocess
from pathlib import Path
from typing import Final

from collector.papers.glyphs import FOLDER

TOP: Final = Path(__file__).parents[3]
PICTURES: Final = TOP / "build" / "pictures"
"""Where tests leave pictures of papers, for people to look at."""

_SECONDS: Final = 90

_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <alias binding="same">
    <family>Times New Roman</family>
    <accept><family>Liberation Serif</family></accept>
  </alias>
</fontconfig>
"""


def convert(file: Path, target: str, folder: Path) -> bytes:
    """Return a file as LibreOffice writes it in another format, as "pdf" or "txt:Text (encoded)".

    Args:
        file: to open.
        target: as `soffice --convert-to` names it.
        folder: for LibreOffice's own files, and the fonts that it finds: ours alone.
    """
    fonts = folder / "fonts.conf"
    fonts.write_text(_FONTS.format(fonts=FOLDER, cache=folder / "fonts"), encoding="utf-8")
    command = [
        "soffice",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        target,
        "--outdir",
        str(folder / "out"),
        str(file),
    ]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "FONTCONFIG_FILE": str(fonts)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, check=True, env=environment
    )
    made = folder / "out" / f"{file.stem}.{target.partition(':')[0]}"
    assert made.exists(), done.stderr
    return made.read_bytes()


def draw(pdf: bytes, name: str) -> list[bytes]:
    """Return a PDF's pages as PNG; they stay in `PICTURES` under the name."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob(f"{name}-*.png"):
        old.unlink()
    command = ["pdftoppm", "-r", "70", "-png", "-", str(PICTURES / name)]
    subprocess.run(command, input=pdf, capture_output=True, timeout=_SECONDS, check=True)
    return [path.read_bytes() for path in sorted(PICTURES.glob(f"{name}-*.png"))]
