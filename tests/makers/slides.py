"""Whole slides, tiny, and a bundle that answers their tiles."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from tests.makers.bundles import pack_tiny, tiny_network, tiny_pipeline

GLASS = (244, 242, 245)


def tissue(width: int, height: int, seed: int = 0, *, share: float = 0.7) -> NDArray[np.uint8]:
    """Draw H&E stained tissue, an ellipse over `share` of each side, on glass; its left half has more nuclei."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    inside = ((columns / width - 0.5) / share * 2) ** 2 + ((rows / height - 0.5) / share * 2) ** 2 < 1
    grain = Pil.fromarray(random.integers(0, 255, (height // 4 + 1, width // 4 + 1), np.uint8))
    texture = np.asarray(grain.resize((width, height), Pil.Resampling.BICUBIC), np.float32) - 128
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = GLASS
    picture[inside] = (205, 130, 175)
    nuclei = inside & (texture > np.where(columns < width / 2, 20, 60))
    picture[nuclei] = (105, 60, 140)
    picture += random.normal(0, 3, picture.shape) + inside[..., None] * texture[..., None] * 0.15
    return np.clip(picture, 0, 255).astype(np.uint8)


def slide_file(
    path: Path,
    pixels: NDArray[np.uint8],
    *,
    mpp: float | None = 0.5,
    levels: int = 3,
    tile: int | None = 64,
    compression: str | None = "zlib",
    below: bool = False,
    description: str | None = None,
) -> Path:
    """Write a picture as pyramidal TIFF, each level half the one before.

    Args:
        path: of the file.
        pixels: (H, W, 3) or (H, W).
        mpp: µm per pixel, as the file says it; None where it does not.
        levels: how many.
        tile: side of the file's tiles; None writes strips.
        compression: of tifffile's names.
        below: whether levels lie below the first, as OME has it, and not beside it.
        description: the file's own text, such as Aperio's.
    """
    from tifffile import TiffWriter

    with TiffWriter(path) as file:
        for level in range(levels):
            part = Pil.fromarray(pixels).reduce(2**level)
            scale = None if mpp is None else 1e4 / mpp / 2**level
            file.write(
                np.asarray(part),
                tile=(tile, tile) if tile else None,
                compression=compression,
                photometric="rgb" if pixels.ndim == 3 else "minisblack",
                subifds=levels - 1 if below and not level else 0,
                subfiletype=1 if level else 0,
                resolution=(scale, scale) if scale else (1, 1),
                resolutionunit="CENTIMETER" if scale else "NONE",
                description=description if not level else None,
                metadata=None,
            )
    return path


def tiny_slide_bundle(folder: Path, name: str = "tiny_idc") -> Path:
    """Write a valid bundle for `idc` with a network that has learned nothing and knows `tissue`."""
    from senoscope.core.domain.image import Image
    from senoscope.runtime.session import Session

    content, pipeline = tiny_network(), tiny_pipeline()
    # Tiles as a slide of 2 µm gives them: 50 pixels of 8 µm, some of them half glass.
    pictures = [np.asarray(Pil.fromarray(tissue(2400, 1600, seed)).reduce(4)) for seed in range(2)]
    places = [(y, x) for y in range(0, 400, 50) for x in range(0, 600, 50)]
    tiles = [picture[y : y + 50, x : x + 50] for picture in pictures for y, x in places]
    small = [np.ascontiguousarray(tile) for tile in tiles if (tile.min(axis=2) < 200).mean() > 0.2]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in small])
    return pack_tiny(folder, name, "idc", content, Session(content, 1).run(arrays).embedding)
