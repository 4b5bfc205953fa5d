/** Which of the regions or boxes of an answer is picked, and from which probability on boxes are shown. */
import { useCallback, useEffect, useMemo, useState } from "react";

export interface Picking {
  picked: number | null;
  /** Grows with every pick, so that picking the same again is noticed. */
  turn: number;
  least: number;
  onPick: (at: number | null) => void;
  onLeast: (least: number) => void;
}

/** Begins anew with every prediction. */
export function usePicking(prediction: string | null): Picking {
  const [[picked, turn], setPicked] = useState<[number | null, number]>([null, 0]);
  const [least, onLeast] = useState(0);
  const onPick = useCallback((at: number | null) => setPicked(([, before]) => [at, before + 1]), []);
  useEffect(() => {
    onPick(null);
    onLeast(0);
  }, [prediction, onPick]);
  return useMemo(() => ({ picked, turn, least, onPick, onLeast }), [picked, turn, least, onPick]);
}
