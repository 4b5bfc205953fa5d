import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";

import { listModels, ServiceProblem, upload, type Model, type Prediction, type Problem, type Question } from "./api/client";
import { AnswerPanel } from "./parts/AnswerPanel";
import { CardDialog } from "./parts/CardDialog";
import { KeysDialog } from "./parts/KeysDialog";
import { Uploads } from "./parts/Uploads";
import { usePicking } from "./usePicking";
import { usePredictions } from "./usePredictions";
import { useSelection } from "./useSelection";

const loadViewer = () => import("./viewer/Viewer");
const Viewer = lazy(loadViewer);
const SlideViewer = lazy(() => import("./viewer/SlideViewer"));

export const NOTICE = "Research use only — not for diagnosis";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=range]), select, textarea, dialog") !== null;
}

export function App() {
  const { list, loaded, problem, merge, find } = usePredictions();
  const [selected, select] = useSelection();
  const [models, setModels] = useState<readonly Model[]>([]);
  const [question, setQuestion] = useState<Question>({ bundle: "", operatingPoint: "" });
  const [sending, setSending] = useState(0);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const [card, setCard] = useState<string | null>(null);
  const [keys, setKeys] = useState(false);
  const [opacity, setOpacity] = useState(0.5);
  const picker = useRef<HTMLInputElement>(null);

  const picking = usePicking(selected);
  const shown = list.find((item) => item.id === selected) ?? null;

  useEffect(() => {
    listModels().then(setModels, () => setModels([]));
  }, [loaded]);

  useEffect(() => {
    if (loaded && selected && !shown) void find(selected);
  }, [loaded, selected, shown, find]);

  const send = useCallback(
    async (files: readonly File[]) => {
      if (files.length === 0) return;
      setRefusal(null);
      void loadViewer();
      setSending(files.length);
      try {
        // The service takes none of several tasks by itself; what the list shows as chosen is its first.
        const known = models.length > 0 ? models : await listModels();
        const bundle = question.bundle || (known.length > 1 ? (known[0]?.name ?? "") : "");
        const accepted = await upload(files, { ...question, bundle });
        merge(accepted);
        const first = accepted.find((item) => item.state !== "failed") ?? accepted[0];
        if (first) select(first.id);
      } catch (error) {
        if (!(error instanceof ServiceProblem)) throw error;
        setRefusal(error.problem);
      } finally {
        setSending(0);
      }
    },
    [merge, models, question, select],
  );

  const step = useCallback(
    (by: number) => {
      const at = list.findIndex((item) => item.id === selected);
      const next = list[Math.min(list.length - 1, Math.max(0, at + by))];
      if (next) select(next.id);
    },
    [list, selected, select],
  );

  useEffect(() => {
    const actions: Record<string, () => void> = {
      j: () => step(1),
      k: () => step(-1),
      u: () => picker.current?.click(),
      "?": () => setKeys(true),
    };
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const action = actions[event.key.toLowerCase()];
      if (action) {
        event.preventDefault();
        action();
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [step]);

  const trouble = refusal ?? problem;
  return (
    <div className="page">
      <header>
        <h1>
          <img src="/icon.svg" alt="" width="22" height="22" /> Senoscope
        </h1>
        <p className="notice" role="note">
          {NOTICE}
        </p>
        <button type="button" className="quiet" onClick={() => setKeys(true)}>
          Keys <kbd>?</kbd>
        </button>
      </header>
      {trouble && (
        <p className="trouble" role="alert">
          <strong>{trouble.message}</strong> {trouble.hint}
        </p>
      )}
      <main>
        <Uploads
          list={list}
          loaded={loaded}
          selected={selected}
          models={models}
          question={question}
          sending={sending}
          picker={picker}
          onQuestion={setQuestion}
          onFiles={(files) => void send(files)}
          onSelect={select}
        />
        <section className="stage" aria-label="Picture">
          {shown?.slide ? (
            <Suspense fallback={<p className="empty">Loading the viewer…</p>}>
              <SlideViewer
                id={shown.id}
                filename={shown.filename}
                slide={shown.slide}
                picking={picking}
                opacity={opacity}
                onOpacity={setOpacity}
                isTyping={isTyping}
              />
            </Suspense>
          ) : shown?.result ? (
            <Suspense fallback={<p className="empty">Loading the viewer…</p>}>
              <Viewer prediction={shown} picking={picking} opacity={opacity} onOpacity={setOpacity} isTyping={isTyping} />
            </Suspense>
          ) : (
            <Welcome shown={shown} />
          )}
        </section>
        <AnswerPanel prediction={shown} models={models} picking={picking} opacity={opacity} onCard={setCard} />
      </main>
      {card && <CardDialog name={card} onClose={() => setCard(null)} />}
      {keys && <KeysDialog onClose={() => setKeys(false)} />}
    </div>
  );
}

function Welcome({ shown }: { shown: Prediction | null }) {
  if (shown?.error) return <p className="empty">There is no picture to show for this file.</p>;
  if (shown?.work) return <p className="empty">The slide is shown once its tiles are answered. Other pictures do not wait for it.</p>;
  if (shown) return <p className="empty">The picture is being read…</p>;
  return (
    <div className="empty">
      <p className="lead">Drop breast-ultrasound pictures anywhere on the page.</p>
      <p>
        Each is answered with a calibrated probability, the evidence for it drawn over the picture, and how far to trust it.
        Pictures stay on the machine that serves this page.
      </p>
    </div>
  );
}
