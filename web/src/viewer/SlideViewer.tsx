import { useEffect, useRef, useState } from "react";

import type { Slide } from "../api/client";
import type { Picking } from "../usePicking";
import { figure } from "../words";
import { SlideStage, type Look } from "./slide";
import { useViewKeys } from "./useViewKeys";
import ZoomButtons from "./ZoomButtons";

interface Props {
  id: string;
  filename: string;
  slide: Slide;
  picking: Picking;
  opacity: number;
  onOpacity: (opacity: number) => void;
  isTyping: (target: EventTarget | null) => boolean;
}

const ZOOM_STEP = 1.5;
const PAN_STEP = 0.15;

/** A whole slide by deep-zoom tiles, with the probability map over it. */
export default function SlideViewer({ id, filename, slide, picking, opacity, onOpacity, isTyping }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const stage = useRef<SlideStage | null>(null);
  const [shown, setShown] = useState(true);
  const [look, setLook] = useState<Look | null>(null);
  const [failure, setFailure] = useState("");
  const { picked, turn } = picking;

  useEffect(() => {
    if (!element.current) return;
    setFailure("");
    const opened = new SlideStage(element.current, id, slide, setLook, setFailure);
    stage.current = opened;
    return () => {
      stage.current = null;
      opened.dispose();
    };
    // What a slide comes to never changes, though every word of the service brings it anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id]);

  useEffect(() => stage.current?.setOpacity(shown ? opacity : 0), [id, shown, opacity]);
  useEffect(() => {
    if (picked !== null) stage.current?.goTo(picked);
  }, [picked, turn]);

  useViewKeys({
    view: () => stage.current,
    zoomStep: ZOOM_STEP,
    panStep: PAN_STEP,
    opacity,
    onOpacity,
    isTyping,
    further: {
      e: () => setShown((now) => !now),
    },
  });

  return (
    <div className="viewer">
      <div className="canvas">
        <div ref={element} className="slide" role="img" aria-label={`${filename}${shown ? ", with the probability map laid over it" : ""}`} />
        {failure && (
          <p className="slide-failure" role="alert">
            {failure}
          </p>
        )}
      </div>
      <div className="tools" role="toolbar" aria-label="View">
        <div className="group">
          <ZoomButtons onZoom={(factor) => stage.current?.zoom(factor)} onReset={() => stage.current?.reset()} step={ZOOM_STEP} />
        </div>
        <div className="group opacity">
          <button type="button" aria-pressed={shown} title="Show or hide the probability map (E)" onClick={() => setShown(!shown)}>
            Map
          </button>
          <input
            type="range"
            min={0}
            max={100}
            value={Math.round(opacity * 100)}
            disabled={!shown}
            aria-label="Opacity of the probability map"
            onChange={(event) => onOpacity(Number(event.target.value) / 100)}
          />
          <output>{Math.round(opacity * 100)} %</output>
        </div>
        {look && (
          <p className="look" title="middle of the view, in pixels of the slide">
            x {look.x} · y {look.y} · {figure(look.microns)} µm per screen pixel
          </p>
        )}
      </div>
    </div>
  );
}
