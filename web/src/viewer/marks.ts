/** Lines over the picture: outlines, boxes, and the frame of the one that is picked. */
import type { Contour } from "../api/client";

export interface Frame {
  box: readonly number[];
  text: string;
}

/** What is drawn, in pixels of the upload. */
export interface Marks {
  size: readonly [number, number];
  contours: readonly Contour[];
  boxes: readonly Frame[];
  picked: Frame | null;
}

/** Where the picture's corners are on the canvas. */
export interface Corners {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const LINE = "#fca50a";
const PICKED = "#ffffff";

/** Orange for the first label, further hues by the golden ratio, as in the pictures that are taken away. */
function colourOf(code: number): string {
  if (code === 1) return LINE;
  return `hsl(${360 * ((0.11 + 0.618034 * (code - 1)) % 1)} 90% 55%)`;
}

/** Draw the lines; a dark rim keeps them apart from bright tissue. */
export function drawMarks(context: CanvasRenderingContext2D, corners: Corners, marks: Marks): void {
  const [width, height] = marks.size;
  const x = (value: number) => corners.left + (value / width) * (corners.right - corners.left);
  const y = (value: number) => corners.top + (value / height) * (corners.bottom - corners.top);
  for (const { code, rings } of marks.contours) {
    const path = new Path2D();
    for (const ring of rings) {
      ring.forEach(([across = 0, down = 0], at) => (at ? path.lineTo(x(across), y(down)) : path.moveTo(x(across), y(down))));
      path.closePath();
    }
    stroke(context, path, colourOf(code), 2);
  }
  for (const frame of [...marks.boxes].reverse()) drawFrame(context, x, y, frame, LINE, 2);
  if (marks.picked) drawFrame(context, x, y, marks.picked, PICKED, 2.5);
}

function drawFrame(
  context: CanvasRenderingContext2D,
  x: (value: number) => number,
  y: (value: number) => number,
  { box, text }: Frame,
  colour: string,
  width: number,
): void {
  const [left = 0, top = 0, across = 0, down = 0] = box;
  const path = new Path2D();
  path.rect(x(left), y(top), x(left + across) - x(left), y(top + down) - y(top));
  stroke(context, path, colour, width);
  if (!text) return;
  context.font = "600 13px system-ui, sans-serif";
  const wide = context.measureText(text).width + 8;
  context.fillStyle = colour;
  context.fillRect(x(left), y(top), wide, 18);
  context.fillStyle = "#10151b";
  context.fillText(text, x(left) + 4, y(top) + 13.5);
}

function stroke(context: CanvasRenderingContext2D, path: Path2D, colour: string, width: number): void {
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0 0 0 / 60%)";
  context.lineWidth = width + 2;
  context.stroke(path);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}
