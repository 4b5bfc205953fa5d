"""Tiny inputs, made in memory: no dataset picture is kept in the repository."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Pixels


def ultrasound(seed: int = 0, size: tuple[int, int] = (320, 256), *, malignant: bool = False) -> NDArray[np.uint8]:
    """Draw a breast ultrasound that never was: skin line, speckled tissue in layers, a dark lesion.

    A benign lesion is a smooth ellipse, wider than tall, bright below; a malignant one is taller than wide, of ragged
    outline, with a shadow below. Speckle is multiplicative and Rayleigh-distributed, as in B-mode pictures.

    Args:
        seed: of the random numbers; the same seed draws the same picture.
        size: width and height in pixels.
        malignant: which of the two kinds of lesion.

    Returns:
        (height, width) grey levels.
    """
    random = np.random.default_rng([seed, int(malignant)])
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    down, across = y / height, x / width
    layers = 0.52 + 0.12 * np.sin(2 * np.pi * (4 * down + 0.5 * np.sin(2 * np.pi * across + random.uniform(0, 6))))
    tissue = np.clip(layers + 0.1 * _smooth(random, height, width, 12), 0.15, 1) * (1 - 0.55 * down)
    tissue[down < 0.03] = 0.9
    radius, ratio = random.uniform(0.13, 0.18), (1.25 if malignant else 0.62)
    centre_x, centre_y = random.uniform(0.4, 0.6), random.uniform(0.4, 0.5)
    angle = np.arctan2((down - centre_y) / ratio, across - centre_x)
    waves = [random.uniform(0.3, 1) * np.cos(k * angle + random.uniform(0, 6)) for k in (3, 5, 8, 11)]
    outline = radius * (1 + (0.11 if malignant else 0.015) * np.sum(waves, axis=0))
    distance = np.hypot(across - centre_x, (down - centre_y) / ratio) - outline
    inside = 1 / (1 + np.exp(distance * (60 if malignant else 160)))
    below = (np.abs(across - centre_x) < 0.8 * radius) & (down > centre_y)
    echo = np.where(below, 0.55 if malignant else 1.35, 1.0)
    echo = _blurred(echo, width // 40 + 1, axes=(1,))
    clean = tissue * (1 - inside) * np.where(inside > 0.5, 1, echo) + 0.07 * inside
    speckle = _blurred(random.rayleigh(1.0, (height, width)), 3, axes=(1,))  # the beam is wider than the pulse is long
    speckle = 1 + 0.28 * (speckle - speckle.mean()) / speckle.std()
    speckled = _blurred(clean * np.clip(speckle, 0, None), 1)
    return np.asarray(np.clip(speckled * 255, 0, 255), np.uint8)


def _blurred(values: NDArray[np.float64], radius: int, axes: tuple[int, ...] = (0, 1)) -> NDArray[np.float64]:
    window = 2 * radius + 1
    for axis in axes:
        padded = np.pad(values, [(radius, radius) if other == axis else (0, 0) for other in range(2)], "edge")
        values = np.lib.stride_tricks.sliding_window_view(padded, window, axis).mean(axis=-1)
    return values


def _smooth(random: np.random.Generator, height: int, width: int, cells: int) -> NDArray[np.float64]:
    coarse = Pil.fromarray(random.normal(size=(cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Pil.Resampling.BICUBIC), np.float64)


def grey(width: int = 24, height: int = 16, *, deep: bool = False) -> Pixels:
    """Return (height, width) levels, 8-bit or deep (16-bit), that use the whole range and differ at every edge."""
    dtype = np.uint16 if deep else np.uint8
    steps = np.arange(width * height, dtype=np.int64).reshape(height, width) * 2654435761
    return (steps % (int(np.iinfo(dtype).max) + 1)).astype(dtype)


def colour(width: int = 24, height: int = 16, *, deep: bool = False) -> Pixels:
    """Return (height, width, 3) levels of three different planes."""
    plane = grey(width, height, deep=deep)
    return np.stack([plane, plane[::-1], plane[:, ::-1]], axis=2)


def pil_bytes(pixels: Pixels | Pil.Image, kind: str, **options: Any) -> bytes:
    """Encode by Pillow: "PNG", "JPEG", "BMP", "GIF" …."""
    picture = pixels if isinstance(pixels, Pil.Image) else Pil.fromarray(pixels)
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def tiff_bytes(pixels: Pixels, **options: Any) -> bytes:
    """Encode by tifffile; options as its `imwrite` takes them."""
    out = BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def png_bytes(pixels: Pixels, colour_type: int, depth: int = 8, chunks: bytes = b"") -> bytes:
    """Encode a PNG by hand, so that every colour type and depth can be had.

    Args:
        pixels: (H, W) or (H, W, channels) of whole bytes; 16-bit levels are written high byte first.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        depth: bits a channel, 8 or 16.
        chunks: further chunks to lay before the pixels, from `png_chunk`.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels.astype(">u2" if depth == 16 else "u1")).view(np.uint8).reshape(height, -1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    ending = png_chunk(b"IDAT", zlib.compress(body)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + chunks + ending


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_png(side: int = 30_000) -> bytes:
    """Return a small PNG that claims `side` × `side` pixels and would inflate to all of them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def exif_block(orientation: int, order: str = ">") -> bytes:
    """Return an Exif block that says nothing but how the picture lies."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


def pgm_bytes(pixels: Pixels, maximum: int) -> bytes:
    """Encode a binary PGM or PPM with this full scale."""
    magic = b"P6" if pixels.ndim == 3 else b"P5"
    header = magic + f"\n# made for a test\n{pixels.shape[1]} {pixels.shape[0]}\n{maximum}\n".encode()
    return header + pixels.astype(">u2" if maximum > 255 else "u1").tobytes()


def busi(folder: Path, images: int = 4) -> Path:
    """Write a miniature of BUSI in its publisher's layout: `images` benign and malignant ones each, one normal one.

    The first benign picture has a second lesion (`_mask_1`).
    """
    base = folder / "Dataset_BUSI_with_GT"
    for label in ("benign", "malignant", "normal"):
        (base / label).mkdir(parents=True)
        for number in range(1, (1 if label == "normal" else images) + 1):
            seed = number + (1000 if label == "normal" else 0)
            pixels = ultrasound(seed, (160, 128), malignant=label == "malignant")
            Pil.fromarray(pixels).save(base / label / f"{label} ({number}).png")
            mask = _oval(160, 128, (70, 50, 24, 16)) if label != "normal" else np.zeros((128, 160), np.bool_)
            Pil.fromarray(mask).save(base / label / f"{label} ({number})_mask.png")
    Pil.fromarray(_oval(160, 128, (20, 90, 10, 10))).save(base / "benign" / "benign (1)_mask_1.png")
    return base


def bus_bra(folder: Path, patients: int = 4) -> Path:
    """Write a miniature of BUS-BRA as its publisher does: every second patient malignant, the first with two images."""
    for name in ("Images", "Masks"):
        (folder / name).mkdir(parents=True)
    lines = ["ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"]
    for case in range(1, patients + 1):
        for side in ("l", "r") if case == 1 else ("l",):
            malignant, code = case % 2 == 0, f"{case:04d}-{side}"
            pixels = ultrasound(2 * case + (side == "r"), (160, 128), malignant=malignant)
            Pil.fromarray(pixels).save(folder / "Images" / f"bus_{code}.png")
            Pil.fromarray(_oval(160, 128, (70, 50, 24, 16))).save(folder / "Masks" / f"mask_{code}.png")
            kind, pathology, birads = ("IDC", "malignant", 5) if malignant else ("Fibroadenoma", "benign", 3)
            word = "left" if side == "l" else "right"
            lines.append(f'bus_{code},{case},{kind},{pathology},{birads},Logiq 5,160,128,{word},"[70,50,24,16]"')
    (folder / "bus_data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _oval(width: int, height: int, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Draw a mask that fills a box (left, top, width, height) with an oval that touches all four edges."""
    left, top, across, down = box
    y, x = np.mgrid[0:height, 0:width]
    centre_x, centre_y = left + (across - 1) / 2, top + (down - 1) / 2
    return np.asarray(((x - centre_x) / (across / 2)) ** 2 + ((y - centre_y) / (down / 2)) ** 2 <= 1)


TINY = 32
"""Side of the tiny network's input, in pixels."""


def tiny_network() -> bytes:
    """Build a network with a bundle's outputs and no torch: darkness in a 4 × 4 grid, its mean, and its edges."""
    from onnx import TensorProto, helper

    random = np.random.default_rng(7)
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [16, 1], random.normal(0, 1, 16).astype(np.float32))
    numbers = {"full": [255.0], "one": [1.0], "bias": [0.25]}
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [1], values) for name, values in numbers.items()]
    axis = helper.make_tensor("axis1", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Div", ["image", "full"], ["share"]),
        helper.make_node("Sub", ["one", "share"], ["dark"]),
        helper.make_node("ReduceMean", ["dark", "axis1"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["grid"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Squeeze", ["grid", "axis1"], ["saliency"]),
        helper.make_node("Flatten", ["grid"], ["embedding"], axis=1),
        helper.make_node("MatMul", ["embedding", "weight"], ["raw"]),
        helper.make_node("Add", ["raw", "bias"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, TINY, TINY])
    shapes: dict[str, list[str | int]] = {"logits": ["N", 1], "saliency": ["N", 4, 4], "embedding": ["N", 16]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "tiny", [image], outputs, [weight, *constants, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_bundle(folder: Path, name: str = "tiny") -> Path:
    """Write a valid bundle with a tiny network that has learned nothing; its reference is of synthetic ultrasound."""
    import hashlib

    from senoscope.core.domain.bundle import (
        BundleManifest,
        Calibration,
        DatasetFingerprint,
        Interval,
        ModelFile,
        OperatingPoint,
    )
    from senoscope.core.domain.image import Image
    from senoscope.core.domain.recipe import Recipe
    from senoscope.core.preprocess.pipeline import Pipeline
    from senoscope.core.preprocess.steps import Gray, Resize
    from senoscope.evidence.novelty import fit_reference
    from senoscope.evidence.packing import write_manifest
    from senoscope.runtime.session import Session

    folder.mkdir(parents=True, exist_ok=True)
    content = tiny_network()
    (folder / "model.onnx").write_bytes(content)
    pipeline = Pipeline((Gray(), Resize(TINY, TINY, "stretch")))
    pictures = [ultrasound(seed, (96, 80), malignant=seed % 2 == 0) for seed in range(40)]
    arrays = np.stack([pipeline.apply(Image(pixels, 255.0)).array for pixels in pictures])
    known = Session(content, 1).run(arrays).embedding
    reference = fit_reference(known, np.arange(40), fitted_on="40 synthetic pictures")
    # Forty pictures bound too little: twice the limit answers all synthetic ultrasound and still refuses noise.
    doubled = tuple(2 * value for value in reference.quantiles)
    reference = reference.model_copy(update={"limit": 2 * reference.limit, "quantiles": doubled})
    share = Interval(value=0.9, low=0.8, high=0.95)
    manifest = BundleManifest(
        name=name,
        version="1",
        created="2026-01-01",
        license="made for tests",
        intended_use="For tests only.",
        task="ultrasound",
        labels=("benign", "malignant"),
        positive="malignant",
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), mean=(0.0,), std=(1.0,)),
        pipeline=pipeline,
        calibration=Calibration(
            kind="platt", slope=1.5, intercept=-0.5, fitted_on="synthetic pictures", images=40, prevalence=0.5
        ),
        operating_points=tuple(
            OperatingPoint(name=point, rule="set by hand", threshold=limit, sensitivity=share, specificity=share)
            for point, limit in (("screening", 0.2), ("balanced", 0.5))
        ),
        operating_point="balanced",
        reference=reference,
        metrics=(),
        datasets=(
            DatasetFingerprint(
                name="synthetic",
                title="Synthetic",
                licence="none",
                citation="none",
                images=40,
                patients=40,
                sha256="0" * 64,
            ),
        ),
        recipe=Recipe(name=name, task="ultrasound", dataset="busi"),
    )
    write_manifest(folder, manifest)
    return folder
