"""Miniatures of public mammography sets, in their publishers' layouts."""

from pathlib import Path

import numpy as np
from PIL import Image as Pil

INFO = """
              MAMMOGRAPHIC IMAGE ANALYSIS SOCIETY
=====================================================
1st column: MIAS database reference number.

mdb001 G CIRC B 535 425 197
mdb002 G NORM 
mdb003 D NORM
mdb004 D CALC M *NOTE 3* 
mdb005 F CIRC B 477 133 30
mdb005 F CIRC M 500 1010 26
mdb006 F NORM
mdb059 F CIRC B
mdb060 F NORM
mdb321 D NORM
mdb322 D NORM
=====================================================
"""  # noqa: W291 - the publisher's lines end with blanks


def mini_mias(folder: Path) -> Path:
    """Write a miniature of mini-MIAS: eight films of four women; two more are listed and absent.

    The circles of `mdb005` count y from the bottom; the second reaches beyond the upper edge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Info.txt").write_text(INFO, encoding="latin-1")
    (folder / "Licence.txt").write_text("LICENCE AGREEMENT\n", encoding="latin-1")
    for number in (1, 2, 3, 4, 5, 6, 59, 60):
        pixels = np.zeros((1024, 1024), np.uint8)
        pixels[:, 400:] = 60 + number
        if number == 1:
            pixels[1024 - 425 - 20 : 1024 - 425 + 20, 535 - 20 : 535 + 20] = 250
        Pil.fromarray(pixels).save(folder / f"mdb{number:03d}.pgm")
    return folder
