"""Maps, regions and overlays as other programs read them."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from senoscope.core.domain.geometry import Size
from senoscope.core.io.slide_tiff import TiffReader
from senoscope.runtime.slides.job import Settings, run_slides
from senoscope.runtime.slides.measure import SlideSummary
from senoscope.runtime.slides.plan import Grid
from senoscope.runtime.slides.tiles import PatchClassifier
from senoscope.runtime.slides.writing import coded, write_map

GRID = Grid(0, (1.0, 1.0), 8.0, Size(10_000, 7500), Size(50, 50), 1, (150, 200), (4, 4))


def test_a_map_is_a_pyramid_with_its_resolution(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).random((150, 200)).astype(np.float32)
    cells[:40] = np.nan
    path = tmp_path / "map.ome.tiff"

    write_map(path, cells, GRID, "0" * 64, "Probability")

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        assert file.is_ome
        assert [level.shape for level in series.levels] == [(150, 200), (75, 100), (38, 50)]
        assert np.array_equal(series.asarray(), coded(cells))
        tree = ET.fromstring(file.ome_metadata or "")  # noqa: S314 # our own
        (pixels,) = tree.iter("{http://www.openmicroscopy.org/Schemas/OME/2016-06}Pixels")
        half = series.levels[1].asarray()
    assert float(pixels.attrib["PhysicalSizeX"]) == 400.0
    assert pixels.attrib["PhysicalSizeXUnit"] == "µm"
    assert (half[:20] == 0).all()
    assert abs(int(half[30, 10]) - coded(cells)[60:62, 20:22].mean()) <= 0.5
    with TiffReader(str(path)) as reader:
        assert reader.microns is None  # larger than a slide's pixels are
        assert len(reader.levels) == 3


def test_no_answer_and_no_chance_are_told_apart() -> None:
    found = coded(np.array([np.nan, 0, 0.5, 1], np.float32))

    assert found.tolist() == [0, 1, 128, 255]


def test_two_writings_are_the_same(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).random((150, 200)).astype(np.float32)
    for name in ("a", "b"):
        write_map(tmp_path / name / "map.ome.tiff", cells, GRID, "0" * 64, "Probability")

    assert (tmp_path / "a" / "map.ome.tiff").read_bytes() == (tmp_path / "b" / "map.ome.tiff").read_bytes()


@pytest.fixture
def results(slide: Path, classifier: PatchClassifier, tmp_path: Path) -> tuple[SlideSummary, Path]:
    (summary,) = run_slides([slide], classifier, Settings(), tmp_path)
    assert isinstance(summary, SlideSummary)
    (folder,) = tmp_path.iterdir()
    return summary, folder


def test_regions_are_geojson_in_pixels_of_the_slide(results: tuple[SlideSummary, Path]) -> None:
    summary, folder = results

    found = json.loads((folder / "regions.geojson").read_text())

    assert found["type"] == "FeatureCollection"
    polygons = [one for one in found["features"] if one["geometry"]["type"] == "Polygon"]
    points = [one for one in found["features"] if one["geometry"]["type"] == "Point"]
    assert len(polygons) == summary.regions > 0
    assert len(points) == len(summary.hot_spots)
    assert len({one["id"] for one in found["features"]}) == len(found["features"])
    total = 0.0
    for feature in polygons:
        properties, rings = feature["properties"], feature["geometry"]["coordinates"]
        assert properties["objectType"] == "annotation"
        assert properties["classification"]["name"] == "idc_positive"
        assert properties["measurements"]["Highest probability"] >= summary.question.threshold
        assert all(ring[0] == ring[-1] and len(ring) >= 5 for ring in rings)
        assert all(0 <= x <= 2400 and 0 <= y <= 1600 for ring in rings for x, y in ring)
        total += properties["measurements"]["Area mm^2"]
    assert total >= summary.positive_mm2


def test_the_map_lies_over_the_regions(results: tuple[SlideSummary, Path]) -> None:
    summary, folder = results

    values = tifffile.imread(folder / "probability.ome.tiff")

    assert values.shape == (8, 12)
    assert (values > 0).sum() == summary.tiles["answered"]
    spot = summary.hot_spots[0]
    assert values[spot.y // 200, spot.x // 200] == values.max() == 1 + round(spot.probability * 254)


def test_the_overlay_is_a_small_picture(results: tuple[SlideSummary, Path]) -> None:
    with Pil.open(results[1] / "overlay.png") as picture:
        assert picture.format == "PNG"
        assert picture.width / picture.height == pytest.approx(1.5, rel=0.02)
        assert max(picture.size) <= 1600


def test_the_summary_says_it_is_for_research(results: tuple[SlideSummary, Path]) -> None:
    summary, folder = results
    found = json.loads((folder / "summary.json").read_text())

    assert found["notice"].startswith("Research use only")
    assert found["positive_mm2"] == summary.positive_mm2
    assert found["question"]["task"] == "idc"
