import { useEffect } from "react";

interface View {
  reset: () => void;
  zoom: (factor: number) => void;
  pan: (across: number, down: number) => void;
}

interface Keys {
  /** The view as it is when a key is pressed; null while there is none. */
  view: () => View | null;
  zoomStep: number;
  panStep: number;
  opacity: number;
  onOpacity: (opacity: number) => void;
  isTyping: (target: EventTarget | null) => boolean;
  /** What further keys do, by lower-case name. */
  further: Record<string, () => void>;
}

/** Keys of every viewer: 0 resets, + and - zoom, arrows move, [ and ] change how much of the evidence shines through. */
export function useViewKeys({ view, zoomStep, panStep, opacity, onOpacity, isTyping, further }: Keys) {
  useEffect(() => {
    const actions: Record<string, () => void> = {
      "0": () => view()?.reset(),
      "+": () => view()?.zoom(zoomStep),
      "=": () => view()?.zoom(zoomStep),
      "-": () => view()?.zoom(1 / zoomStep),
      "[": () => onOpacity(Math.max(0, opacity - 0.1)),
      "]": () => onOpacity(Math.min(1, opacity + 0.1)),
      ...further,
    };
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-panStep, 0],
      ArrowRight: [panStep, 0],
      ArrowUp: [0, -panStep],
      ArrowDown: [0, panStep],
    };
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const move = moves[event.key];
      const action = actions[event.key.toLowerCase()];
      if (move && !(event.target instanceof HTMLInputElement)) view()?.pan(...move);
      else if (action) action();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
}
