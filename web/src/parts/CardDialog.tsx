import { lazy, Suspense, useEffect, useState } from "react";

import { getModel, type ModelCard } from "../api/client";
import { Dialog } from "./Dialog";

const Markdown = lazy(() => import("markdown-to-jsx/react"));

/** A model's card, as it was written when the model was trained. */
export function CardDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [model, setModel] = useState<ModelCard | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    getModel(name).then(setModel, (error: Error) => setFailure(error.message));
  }, [name]);
  return (
    <Dialog title={`Card of ${name}`} onClose={onClose}>
      {failure && <p role="alert">{failure}</p>}
      {model && (
        <Suspense fallback={<p>Loading…</p>}>
          <div className="card">
            {model.card ? <Markdown options={{ disableParsingRawHTML: true }}>{model.card}</Markdown> : <p>{model.intended_use}</p>}
          </div>
        </Suspense>
      )}
    </Dialog>
  );
}
