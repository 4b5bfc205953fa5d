/** Which of the regions or boxes of an answer is picked, and from which probability on boxes are shown. */
import { useEffect, useMemo, useState } from "react";

export interface Picking {
  picked: number | null;
  least: number;
  onPick: (at: number | null) => void;
  onLeast: (least: number) => void;
}

/** Begins anew with every prediction. */
export function usePicking(prediction: string | null): Picking {
  const [picked, onPick] = useState<number | null>(null);
  const [least, onLeast] = useState(0);
  useEffect(() => {
    onPick(null);
    onLeast(0);
  }, [prediction]);
  return useMemo(() => ({ picked, least, onPick, onLeast }), [picked, least]);
}
