import { useEffect, useRef, useState } from "react";

import { pictureUrl, type Prediction } from "../api/client";
import { Stage, type DragMode } from "./stage";

interface Props {
  prediction: Prediction;
  opacity: number;
  onOpacity: (opacity: number) => void;
  isTyping: (target: EventTarget | null) => boolean;
}

/** Longer side that every browser's graphics can hold as one texture. */
const SIDE = 4096;
const HEAT_SIDE = 1024;
const PAN_STEP = 40;
const ZOOM_STEP = 1.25;

export default function Viewer({ prediction, opacity, onOpacity, isTyping }: Props) {
  const { id, filename, result } = prediction;
  const element = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage | null>(null);
  const [drag, setDrag] = useState<DragMode>("window");
  const [evidence, setEvidence] = useState(true);
  const [failure, setFailure] = useState("");
  const explained = result !== null && !result.abstained;

  useEffect(() => {
    if (!element.current || !overlay.current) return;
    const opened = new Stage(element.current, overlay.current);
    stage.current = opened;
    return () => {
      stage.current = null;
      opened.dispose();
    };
  }, []);

  useEffect(() => {
    setFailure("");
    stage.current?.showPicture(pictureUrl(id, "image", SIDE)).catch((error: Error) => setFailure(error.message));
  }, [id]);

  useEffect(() => {
    void stage.current?.showEvidence(explained ? pictureUrl(id, "heat", HEAT_SIDE) : null);
  }, [id, explained]);

  useEffect(() => stage.current?.setOpacity(evidence ? opacity : 0), [evidence, opacity]);
  useEffect(() => stage.current?.setDrag(drag), [drag]);

  useEffect(() => {
    const at = () => stage.current;
    const actions: Record<string, () => void> = {
      w: () => setDrag("window"),
      p: () => setDrag("pan"),
      i: () => at()?.invert(),
      e: () => setEvidence((now) => !now),
      "0": () => at()?.reset(),
      "+": () => at()?.zoom(ZOOM_STEP),
      "=": () => at()?.zoom(ZOOM_STEP),
      "-": () => at()?.zoom(1 / ZOOM_STEP),
      "[": () => onOpacity(Math.max(0, opacity - 0.1)),
      "]": () => onOpacity(Math.min(1, opacity + 0.1)),
    };
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-PAN_STEP, 0],
      ArrowRight: [PAN_STEP, 0],
      ArrowUp: [0, -PAN_STEP],
      ArrowDown: [0, PAN_STEP],
    };
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const move = moves[event.key];
      const action = actions[event.key.toLowerCase()];
      if (move && !(event.target instanceof HTMLInputElement)) at()?.pan(...move);
      else if (action) action();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [isTyping, onOpacity, opacity]);

  return (
    <div className="viewer">
      <div className="canvas" onContextMenu={(event) => event.preventDefault()}>
        <div ref={element} className="picture" role="img" aria-label={`${filename}${explained && evidence ? ", with the evidence laid over it" : ""}`} />
        <canvas ref={overlay} className="evidence" aria-hidden="true" />
        {failure && (
          <p className="empty" role="alert">
            {failure}
          </p>
        )}
      </div>
      <div className="tools" role="toolbar" aria-label="View">
        <div className="group">
          <button type="button" aria-pressed={drag === "window"} title="Drag sets brightness and contrast (W)" onClick={() => setDrag("window")}>
            Window
          </button>
          <button type="button" aria-pressed={drag === "pan"} title="Drag moves the picture (P)" onClick={() => setDrag("pan")}>
            Pan
          </button>
        </div>
        <div className="group">
          <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => stage.current?.zoom(1 / ZOOM_STEP)}>
            −
          </button>
          <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => stage.current?.zoom(ZOOM_STEP)}>
            +
          </button>
          <button type="button" title="Reset the view (0)" onClick={() => stage.current?.reset()}>
            Reset
          </button>
          <button type="button" title="Invert grey levels (I)" onClick={() => stage.current?.invert()}>
            Invert
          </button>
        </div>
        <div className="group opacity">
          <button type="button" aria-pressed={evidence && explained} disabled={!explained} title="Show or hide the evidence (E)" onClick={() => setEvidence(!evidence)}>
            Evidence
          </button>
          <input
            type="range"
            min={0}
            max={100}
            value={Math.round(opacity * 100)}
            disabled={!explained || !evidence}
            aria-label="Opacity of the evidence"
            onChange={(event) => onOpacity(Number(event.target.value) / 100)}
          />
          <output>{Math.round(opacity * 100)} %</output>
        </div>
      </div>
    </div>
  );
}
