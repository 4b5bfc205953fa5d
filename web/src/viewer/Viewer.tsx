import { useEffect, useMemo, useRef, useState } from "react";

import { getOutlines, pictureUrl, type Contour, type Prediction } from "../api/client";
import type { Picking } from "../usePicking";
import { linesOf, percent } from "../words";
import type { Frame, Marks } from "./marks";
import { Stage, type DragMode } from "./stage";
import { useViewKeys } from "./useViewKeys";
import ZoomButtons from "./ZoomButtons";

interface Props {
  prediction: Prediction;
  picking: Picking;
  opacity: number;
  onOpacity: (opacity: number) => void;
  isTyping: (target: EventTarget | null) => boolean;
}

/** Longer side that every browser's graphics can hold as one texture. */
const SIDE = 4096;
const HEAT_SIDE = 1024;
const PAN_STEP = 40;
const ZOOM_STEP = 1.25;

const NONE: readonly Contour[] = [];

/** What is drawn over the picture by lines: outlines once they have come, and the boxes that are sure enough. */
function useMarks({ id, result }: Prediction, { least, picked }: Picking): Marks | null {
  const [fetched, setFetched] = useState<{ id: string; contours: readonly Contour[] }>({ id: "", contours: NONE });
  const outlined = result !== null && !result.abstained && (result.regions?.length ?? 0) > 0;
  useEffect(() => {
    if (outlined) getOutlines(id).then((contours) => setFetched({ id, contours }), () => undefined);
  }, [id, outlined]);
  return useMemo(() => {
    if (!result || result.abstained || !(outlined || result.boxes?.length)) return null;
    const frames: Frame[] = (result.boxes ?? []).map(({ box, score }) => ({ box, text: percent(score) }));
    const shown = frames.filter((_, at) => (result.boxes?.[at]?.score ?? 0) >= least);
    const region = picked === null ? undefined : result.regions?.[picked];
    const frame = picked === null ? undefined : frames[picked];
    const visible = frame && shown.includes(frame) ? frame : null;
    return {
      size: [result.width, result.height],
      contours: outlined && fetched.id === id ? fetched.contours : NONE,
      boxes: shown,
      picked: region ? { box: region.box, text: "" } : visible,
    };
  }, [id, result, outlined, fetched, least, picked]);
}

export default function Viewer({ prediction, picking, opacity, onOpacity, isTyping }: Props) {
  const { id, filename, result } = prediction;
  const element = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage | null>(null);
  const [drag, setDrag] = useState<DragMode>("window");
  const [evidence, setEvidence] = useState(true);
  const [drawn, setDrawn] = useState(true);
  const [failure, setFailure] = useState("");
  const explained = result !== null && !result.abstained;
  const marks = useMarks(prediction, picking);

  useEffect(() => {
    if (!element.current || !overlay.current || !lines.current) return;
    const opened = new Stage(element.current, overlay.current, lines.current);
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
  useEffect(() => stage.current?.setMarks(drawn ? marks : null), [drawn, marks]);
  useEffect(() => stage.current?.setDrag(drag), [drag]);

  useViewKeys({
    view: () => stage.current,
    zoomStep: ZOOM_STEP,
    panStep: PAN_STEP,
    opacity,
    onOpacity,
    isTyping,
    further: {
      w: () => setDrag("window"),
      p: () => setDrag("pan"),
      i: () => stage.current?.invert(),
      e: () => setEvidence((now) => !now),
      o: () => setDrawn((now) => !now),
    },
  });

  return (
    <div className="viewer">
      <div className="canvas" onContextMenu={(event) => event.preventDefault()}>
        <div ref={element} className="picture" role="img" aria-label={`${filename}${explained && evidence ? ", with the evidence laid over it" : ""}`} />
        <canvas ref={overlay} className="evidence" aria-hidden="true" />
        <canvas ref={lines} className="marks" aria-hidden="true" />
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
          <ZoomButtons onZoom={(factor) => stage.current?.zoom(factor)} onReset={() => stage.current?.reset()} step={ZOOM_STEP} />
          <button type="button" title="Invert grey levels (I)" onClick={() => stage.current?.invert()}>
            Invert
          </button>
        </div>
        {marks && result && (
          <div className="group">
            <button type="button" aria-pressed={drawn} title={`Show or hide: ${linesOf(result).toLowerCase()} (O)`} onClick={() => setDrawn(!drawn)}>
              {linesOf(result)}
            </button>
          </div>
        )}
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
