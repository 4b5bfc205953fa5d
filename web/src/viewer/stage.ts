/** One picture on cornerstone's stage with the evidence laid over it. */
import { Enums, RenderingEngine, cache, init as initCore, type Types } from "@cornerstonejs/core";
import {
  Enums as ToolEnums,
  PanTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
  addTool,
  init as initTools,
} from "@cornerstonejs/tools";

import { drawMarks, type Corners, type Marks } from "./marks";
import { imageIdOf, registerPictures } from "./picture";

export type DragMode = "window" | "pan";

const VIEWPORT = "picture";
const TOOLS = "stills";
const FULL_RANGE = { lower: 0, upper: 255 };
const { MouseBindings, KeyboardBindings } = ToolEnums;

let started = false;

function start(): void {
  if (started) return;
  initCore();
  initTools();
  registerPictures();
  for (const tool of [WindowLevelTool, PanTool, ZoomTool]) addTool(tool);
  started = true;
}

export class Stage {
  private readonly engine: RenderingEngine;
  private readonly resizing: ResizeObserver;
  private heat: ImageBitmap | null = null;
  private lines: Marks | null = null;
  private opacity = 0.5;
  private wanted: string | null = null;
  private disposed = false;
  private size: [number, number] = [1, 1];

  constructor(
    private readonly element: HTMLDivElement,
    private readonly overlay: HTMLCanvasElement,
    private readonly marks: HTMLCanvasElement,
  ) {
    start();
    this.engine = new RenderingEngine("senoscope");
    this.engine.enableElement({
      viewportId: VIEWPORT,
      type: Enums.ViewportType.STACK,
      element,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.bindTools();
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.drawOver);
    this.resizing = new ResizeObserver(() => this.engine.resize(true, true));
    this.resizing.observe(element);
  }

  private get viewport(): Types.IStackViewport {
    return this.engine.getViewport(VIEWPORT) as Types.IStackViewport;
  }

  private get tools() {
    return ToolGroupManager.getToolGroup(TOOLS);
  }

  private bindTools(): void {
    ToolGroupManager.destroyToolGroup(TOOLS);
    const group = ToolGroupManager.createToolGroup(TOOLS);
    if (!group) return;
    for (const tool of [WindowLevelTool, PanTool, ZoomTool]) group.addTool(tool.toolName);
    group.addViewport(VIEWPORT, this.engine.id);
    group.setToolActive(ZoomTool.toolName, {
      bindings: [{ mouseButton: MouseBindings.Wheel }, { mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    });
    this.setDrag("window");
  }

  /** What dragging with the main button or one finger does; the middle button and Shift always pan. */
  setDrag(mode: DragMode): void {
    const main = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
    const aside = [
      { mouseButton: MouseBindings.Auxiliary },
      { mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift },
    ];
    this.tools?.setToolPassive(WindowLevelTool.toolName, { removeAllBindings: true });
    this.tools?.setToolPassive(PanTool.toolName, { removeAllBindings: true });
    this.tools?.setToolActive(PanTool.toolName, { bindings: mode === "pan" ? [...main, ...aside] : aside });
    if (mode === "window") this.tools?.setToolActive(WindowLevelTool.toolName, { bindings: main });
  }

  /** Show a picture in full, or say why not. */
  async showPicture(url: string): Promise<void> {
    cache.purgeCache();
    const viewport = this.viewport;
    await viewport.setStack([imageIdOf(url)]);
    if (this.disposed || viewport.getCurrentImageId() !== imageIdOf(url)) return;
    const { dimensions } = viewport.getImageData();
    this.size = [dimensions[0], dimensions[1]];
    this.reset();
  }

  /** Lay evidence over the picture, or take it away; what comes late for an earlier picture is dropped. */
  async showEvidence(url: string | null): Promise<void> {
    this.wanted = url;
    this.setHeat(null);
    if (!url) return;
    const reply = await fetch(url);
    if (!reply.ok) return;
    const bitmap = await createImageBitmap(await reply.blob());
    if (this.wanted === url && !this.disposed) this.setHeat(bitmap);
    else bitmap.close();
  }

  private setHeat(bitmap: ImageBitmap | null): void {
    this.heat?.close();
    this.heat = bitmap;
    this.drawOver();
  }

  /** Opacity of the evidence, 0 to 1. */
  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.drawOver();
  }

  /** Lines over the picture, or none. */
  setMarks(marks: Marks | null): void {
    this.lines = marks;
    this.drawOver();
  }

  reset(): void {
    this.viewport.resetProperties();
    this.viewport.setProperties({ voiRange: FULL_RANGE });
    this.viewport.resetCamera();
    this.viewport.render();
  }

  invert(): void {
    const { invert } = this.viewport.getProperties();
    this.viewport.setProperties({ invert: !invert });
    this.viewport.render();
  }

  zoom(factor: number): void {
    this.viewport.setZoom(Math.min(40, Math.max(0.2, this.viewport.getZoom() * factor)));
    this.viewport.render();
  }

  pan(dx: number, dy: number): void {
    const [x, y] = this.viewport.getPan();
    this.viewport.setPan([x + dx, y + dy]);
    this.viewport.render();
  }

  /** Heat map and lines follow the camera: their corners are the picture's corners. */
  private readonly drawOver = (): void => {
    if (this.disposed) return;
    const heat = this.cleared(this.overlay);
    const lines = this.cleared(this.marks);
    if (!this.viewport.getDefaultActor()) return;
    const corners = this.corners();
    if (heat && this.heat && this.opacity > 0) {
      heat.globalAlpha = this.opacity;
      heat.imageSmoothingQuality = "high";
      heat.drawImage(this.heat, corners.left, corners.top, corners.right - corners.left, corners.bottom - corners.top);
    }
    if (lines && this.lines) drawMarks(lines, corners, this.lines);
  };

  private cleared(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(this.element.clientWidth * ratio);
    canvas.height = Math.round(this.element.clientHeight * ratio);
    const context = canvas.getContext("2d");
    context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  private corners(): Corners {
    const [left, top] = this.viewport.worldToCanvas([-0.5, -0.5, 0]);
    const [right, bottom] = this.viewport.worldToCanvas([this.size[0] - 0.5, this.size[1] - 0.5, 0]);
    return { left, top, right, bottom };
  }

  dispose(): void {
    this.disposed = true;
    this.resizing.disconnect();
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.drawOver);
    ToolGroupManager.destroyToolGroup(TOOLS);
    this.engine.destroy();
    this.heat?.close();
    this.heat = null;
  }
}
