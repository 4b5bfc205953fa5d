import type { ReactNode } from "react";

import { overlayUrl, resultUrl, type Answer, type Flag, type Model, type Prediction } from "../api/client";
import { familiarity, isOfSeveral, megabytes, milliseconds, reason } from "../words";
import { LabelBars } from "./LabelBars";
import { ProbabilityBar } from "./ProbabilityBar";

interface Props {
  prediction: Prediction | null;
  models: readonly Model[];
  opacity: number;
  onCard: (name: string) => void;
}

export function AnswerPanel({ prediction, models, opacity, onCard }: Props) {
  return (
    <section className="answer" aria-label="Answer" aria-live="polite">
      {prediction ? (
        <>
          <h2 title={prediction.filename}>{prediction.filename}</h2>
          <Body prediction={prediction} models={models} opacity={opacity} onCard={onCard} />
        </>
      ) : (
        <Models models={models} onCard={onCard} />
      )}
    </section>
  );
}

function Body({ prediction, models, opacity, onCard }: Props & { prediction: Prediction }) {
  const { id, state, error, result, progress } = prediction;
  const model = models.find((item) => item.name === prediction.bundle);
  if (error) {
    return (
      <p className="failure">
        <strong>{reason(prediction.filename, error.message)}</strong>
        {error.hint && <span>{error.hint}</span>}
      </p>
    );
  }
  if (!result) {
    return (
      <div className="busy">
        <p>{state === "queued" ? "Waiting for its turn…" : "Being read…"}</p>
        <progress value={progress} max={1} aria-label="Progress" />
      </div>
    );
  }
  return (
    <>
      <p className="question">{model?.title ?? result.task}</p>
      <Verdict answer={result} />
      <Trust answer={result} />
      <Facts prediction={prediction} answer={result} model={model} onCard={onCard} />
      <nav className="downloads" aria-label="Downloads">
        <a href={resultUrl(id)} download>
          Answer <small>JSON</small>
        </a>
        {!result.abstained && (
          <a href={overlayUrl(id, opacity)} download>
            Evidence <small>PNG</small>
          </a>
        )}
      </nav>
    </>
  );
}

function Verdict({ answer }: { answer: Answer }) {
  if (answer.abstained) return <NoAnswer flags={answer.trust.flags} />;
  return isOfSeveral(answer) ? <LabelBars answer={answer} /> : <ProbabilityBar answer={answer} />;
}

function NoAnswer({ flags }: { flags: readonly Flag[] }) {
  return (
    <div className="abstained">
      <p className="figure">
        <strong>No answer</strong>
      </p>
      <ul>
        {flags
          .filter((flag) => flag.severity === "abstain")
          .map((flag) => (
            <li key={flag.code}>{flag.message}</li>
          ))}
      </ul>
      <p className="aside">The numbers that were withheld are in the JSON, for audit. They must not be used.</p>
    </div>
  );
}

function Trust({ answer }: { answer: Answer }) {
  const warnings = answer.trust.flags.filter((flag) => flag.severity === "warning");
  if (answer.abstained && warnings.length === 0) return null;
  return (
    <Part title="Trust">
      {!answer.abstained && (
        <p className={warnings.length ? undefined : "fine"}>
          {familiarity(answer)}
          {warnings.length === 0 && " No doubts about its quality."}
        </p>
      )}
      {warnings.length > 0 && (
        <ul className="flags">
          {warnings.map((flag) => (
            <li key={flag.code}>{flag.message}</li>
          ))}
        </ul>
      )}
    </Part>
  );
}

function Facts({ prediction, answer, model, onCard }: { prediction: Prediction; answer: Answer; model: Model | undefined; onCard: (name: string) => void }) {
  const point = model?.operating_points.find((item) => item.name === answer.operating_point.name);
  const share = (figure: { value: number; low: number; high: number }) =>
    `${Math.round(figure.value * 100)} % (${Math.round(figure.low * 100)}–${Math.round(figure.high * 100)})`;
  const { read, preprocess, network } = answer.timings_ms;
  return (
    <Part title="How it came about">
      <dl>
        <dt>Model</dt>
        <dd>
          {answer.bundle} {answer.bundle_version} ·{" "}
          <button type="button" className="link" onClick={() => onCard(answer.bundle)}>
            card
          </button>
        </dd>
        {point && !answer.abstained && (
          <>
            <dt>‘{point.name}’</dt>
            <dd>
              {"threshold" in point ? (
                <>
                  sensitivity {share(point.sensitivity)}, specificity {share(point.specificity)} where it was chosen, so
                  somewhat too good
                </>
              ) : (
                <>
                  sensitivity for{" "}
                  {Object.entries(point.sensitivities)
                    .map(([label, figure]) => `${label} ${share(figure)}`)
                    .join(", ")}
                </>
              )}
            </dd>
          </>
        )}
        <dt>Picture</dt>
        <dd>
          {answer.width} × {answer.height} px, {megabytes(prediction.bytes)}
        </dd>
        <dt>Time</dt>
        <dd>
          {milliseconds(read)} read · {milliseconds(preprocess)} prepare · {milliseconds(network)} network
        </dd>
      </dl>
    </Part>
  );
}

function Models({ models, onCard }: { models: readonly Model[]; onCard: (name: string) => void }) {
  return (
    <Part title="Models here">
      {models.length === 0 && <p>None is installed.</p>}
      <ul className="models">
        {models.map((model) => (
          <li key={model.name}>
            <strong>{model.title}</strong>
            <span>
              {model.name} {model.version} ·{" "}
              <button type="button" className="link" onClick={() => onCard(model.name)}>
                card
              </button>
            </span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="part">
      <h3>{title}</h3>
      {children}
    </div>
  );
}
