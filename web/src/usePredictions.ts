/** The list of predictions, kept current by the service's events. */
import { useCallback, useEffect, useState } from "react";

import { follow, getPrediction, listPredictions, ServiceProblem, type Prediction, type Problem } from "./api/client";

export interface Predictions {
  list: readonly Prediction[];
  loaded: boolean;
  problem: Problem | null;
  merge: (changed: readonly Prediction[]) => void;
  find: (id: string) => Promise<void>;
}

const AHEAD: Record<Prediction["state"], number> = { queued: 0, running: 1, done: 2, failed: 2 };

/** Newest first; an older word of a prediction never replaces a newer one. */
export function merged(list: readonly Prediction[], changed: readonly Prediction[]): Prediction[] {
  const byId = new Map(list.map((item) => [item.id, item]));
  for (const item of changed) {
    const known = byId.get(item.id);
    const stale = known && (AHEAD[item.state] < AHEAD[known.state] || (item.state === known.state && item.progress < known.progress));
    if (!stale) byId.set(item.id, item);
  }
  return [...byId.values()].sort((a, b) => b.created.localeCompare(a.created));
}

export function usePredictions(): Predictions {
  const [list, setList] = useState<readonly Prediction[]>([]);
  const [loaded, setLoaded] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const merge = useCallback((changed: readonly Prediction[]) => setList((known) => merged(known, changed)), []);

  const refresh = useCallback(async () => {
    try {
      merge(await listPredictions());
      setProblem(null);
    } catch (error) {
      if (error instanceof ServiceProblem) setProblem(error.problem);
    }
    setLoaded(true);
  }, [merge]);

  const find = useCallback(
    async (id: string) => {
      try {
        merge([await getPrediction(id)]);
      } catch (error) {
        if (error instanceof ServiceProblem) setProblem(error.problem);
      }
    },
    [merge],
  );

  useEffect(
    () =>
      follow(
        (changed) => merge([changed]),
        () => void refresh(),
        () => setProblem({ code: "no_service", message: "The service does not answer.", hint: "Trying again…" }),
      ),
    [merge, refresh],
  );

  return { list, loaded, problem, merge, find };
}
