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
  private opacity = 0.5;
  private wanted: string | null = null;
  private disposed = false;
  private size: [number, number] = [1, 1];

  constructor(
    private readonly element: HTMLDivElement,
    private readonly overlay: HTMLCanvasElement,
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
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.drawEvidence);
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
    this.drawEvidence();
  }

  /** Opacity of the evidence, 0 to 1. */
  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.drawEvidence();
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

  /** The heat map follows the camera: its corners are the picture's corners. */
  private readonly drawEvidence = (): void => {
    if (this.disposed) return;
    const { clientWidth, clientHeight } = this.element;
    const ratio = window.devicePixelRatio || 1;
    this.overlay.width = Math.round(clientWidth * ratio);
    this.overlay.height = Math.round(clientHeight * ratio);
    const context = this.overlay.getContext("2d");
    const actor = this.viewport.getDefaultActor();
    if (!context || !actor || !this.heat || this.opacity === 0) return;
    const [left, top] = this.viewport.worldToCanvas([-0.5, -0.5, 0]);
    const [right, bottom] = this.viewport.worldToCanvas([this.size[0] - 0.5, this.size[1] - 0.5, 0]);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.globalAlpha = this.opacity;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.heat, left, top, right - left, bottom - top);
  };

  dispose(): void {
    this.disposed = true;
    this.resizing.disconnect();
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.drawEvidence);
    ToolGroupManager.destroyToolGroup(TOOLS);
    this.engine.destroy();
    this.heat?.close();
    this.heat = null;
  }
}
