/** One slide on OpenSeadragon's stage, with the probability map laid over it. */
import OpenSeadragon from "openseadragon";

import { slideUrl, tileUrl, type Slide } from "../api/client";

export interface Look {
  /** Middle of the view, in pixels of the slide's finest level. */
  x: number;
  y: number;
  /** µm of the slide a pixel of the screen shows. */
  microns: number;
}

const HOT_SPOT_MICRONS = 2000;
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

export class SlideStage {
  private readonly viewer: OpenSeadragon.Viewer;
  private map: OpenSeadragon.TiledImage | null = null;
  private opacity = 0.5;
  private disposed = false;

  constructor(
    element: HTMLElement,
    private readonly id: string,
    private readonly slide: Slide,
    private readonly onLook: (look: Look) => void,
    onFailure: (said: string) => void,
  ) {
    withoutInlineStyle();
    this.viewer = new OpenSeadragon.Viewer({
      element,
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: "TOP_RIGHT",
      navigatorSizeRatio: 0.16,
      navigatorAutoFade: false,
      maxZoomPixelRatio: 4,
      visibilityRatio: 0.5,
      animationTime: STILL.matches ? 0 : 0.5,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      tileSources: [source(id, slide)],
    });
    // The page has keys of its own, which work wherever the focus is.
    this.viewer.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = true;
    });
    this.viewer.addHandler("update-viewport", this.tell);
    this.viewer.addHandler("tile-load-failed", () => onFailure("A part of the slide could not be read."));
    this.viewer.addOnceHandler("open", () => this.begin());
  }

  private begin(): void {
    if (this.disposed) return;
    const { map_width: wide, width } = this.slide;
    this.viewer.addTiledImage({
      tileSource: { type: "image", url: slideUrl(this.id, "map.png"), buildPyramid: false },
      x: 0,
      y: 0,
      width: wide / width,
      opacity: this.opacity,
      success: (event) => {
        if (this.disposed) return;
        this.map = (event as unknown as { item: OpenSeadragon.TiledImage }).item;
        this.map.setOpacity(this.opacity);
      },
    });
    this.slide.hot_spots.forEach((spot, at) => {
      const mark = document.createElement("div");
      mark.className = "hot-mark";
      mark.textContent = String(at + 1);
      this.viewer.addOverlay({ element: mark, location: this.point(spot.x, spot.y), placement: OpenSeadragon.Placement.CENTER });
    });
    this.tell();
  }

  /** Pixels of the slide in the viewport's own unit, the slide's width. */
  private point(x: number, y: number): OpenSeadragon.Point {
    return new OpenSeadragon.Point(x / this.slide.width, y / this.slide.width);
  }

  private readonly tell = (): void => {
    const { viewport } = this.viewer;
    if (this.disposed || !viewport) return;
    const { width, microns } = this.slide;
    const middle = viewport.getCenter(true);
    const across = viewport.getContainerSize().x;
    this.onLook({
      x: Math.round(middle.x * width),
      y: Math.round(middle.y * width),
      microns: (width * (microns[0] ?? 1)) / (viewport.getZoom(true) * across),
    });
  };

  /** Opacity of the map, 0 to 1. */
  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.map?.setOpacity(opacity);
  }

  /** Show a hot spot in the middle, with two millimetres around it, and set its mark off. */
  goTo(at: number): void {
    const spot = this.slide.hot_spots[at];
    if (!spot) return;
    const share = HOT_SPOT_MICRONS / (this.slide.width * (this.slide.microns[0] ?? 1));
    this.viewer.viewport.zoomTo(Math.max(1 / share, this.viewer.viewport.getHomeZoom()));
    this.viewer.viewport.panTo(this.point(spot.x, spot.y));
    this.viewer.element.querySelectorAll(".hot-mark").forEach((mark, place) => mark.classList.toggle("picked", place === at));
  }

  zoom(factor: number): void {
    this.viewer.viewport.zoomBy(factor);
    this.viewer.viewport.applyConstraints();
  }

  /** Move by a share of the view. */
  pan(dx: number, dy: number): void {
    const { width, height } = this.viewer.viewport.getBounds();
    this.viewer.viewport.panBy(new OpenSeadragon.Point(dx * width, dy * height));
    this.viewer.viewport.applyConstraints();
  }

  reset(): void {
    this.viewer.viewport.goHome();
  }

  dispose(): void {
    this.disposed = true;
    this.viewer.destroy();
  }
}

/**
 * OpenSeadragon writes one rule of style into the page unless it finds it there, which the page's policy forbids. An
 * element of that name which is no style, for it is of no language, stands in for it; the rule is in the page's styles.
 */
function withoutInlineStyle(): void {
  if (document.querySelector("style[data-openseadragon-mobile-css]")) return;
  const standIn = document.createElementNS("urn:none", "style");
  standIn.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.appendChild(standIn);
}

function source(id: string, slide: Slide): OpenSeadragon.TileSource {
  return new OpenSeadragon.TileSource({
    width: slide.width,
    height: slide.height,
    tileSize: slide.tile,
    tileOverlap: slide.overlap,
    minLevel: 0,
    maxLevel: slide.zooms - 1,
    getTileUrl: (zoom: number, column: number, row: number) => tileUrl(id, zoom, column, row),
  } as OpenSeadragon.TileSourceOptions);
}
