import { overlayUrl, resultUrl, type Answer, type Flag, type Model, type Prediction } from "../api/client";
import type { Picking } from "../usePicking";
import { familiarity, isOfSeveral, kindOf, megabytes, milliseconds, nothingFound, pace, reason } from "../words";
import { LabelBars } from "./LabelBars";
import { Marked, Measures } from "./Marked";
import { Part } from "./Part";
import { ProbabilityBar } from "./ProbabilityBar";
import { SlidePanel } from "./SlidePanel";

interface Props {
  prediction: Prediction | null;
  models: readonly Model[];
  picking: Picking;
  opacity: number;
  onCard: (name: string) => void;
}

export function AnswerPanel({ prediction, models, picking, opacity, onCard }: Props) {
  return (
    <section className="answer" aria-label="Answer" aria-live="polite">
      {prediction ? (
        <>
          <h2 title={prediction.filename}>{prediction.filename}</h2>
          <Body prediction={prediction} models={models} picking={picking} opacity={opacity} onCard={onCard} />
        </>
      ) : (
        <Models models={models} onCard={onCard} />
      )}
    </section>
  );
}

function Body({ prediction, models, picking, opacity, onCard }: Props & { prediction: Prediction }) {
  const { id, state, error, result, slide, work, progress } = prediction;
  const model = models.find((item) => item.name === prediction.bundle);
  if (error) {
    return (
      <p className="failure">
        <strong>{reason(prediction.filename, error.message)}</strong>
        {error.hint && <span>{error.hint}</span>}
      </p>
    );
  }
  if (slide) {
    return (
      <>
        <p className="question">{model?.title ?? slide.task}</p>
        <SlidePanel prediction={prediction} slide={slide} picking={picking} onCard={onCard} />
      </>
    );
  }
  if (!result) {
    return (
      <div className="busy">
        <p>{state === "queued" ? "Waiting for its turn…" : work ? "The slide’s tiles are being answered…" : "Being read…"}</p>
        <progress value={progress} max={1} aria-label="Progress" />
        {work && <p className="pace">{pace(work)}</p>}
      </div>
    );
  }
  return (
    <>
      <p className="question">{model?.title ?? result.task}</p>
      <Verdict answer={result} />
      {!result.abstained && <Marked answer={result} picking={picking} />}
      {!result.abstained && kindOf(result) === "chain" && <Measures answer={result} />}
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
  const nothing = nothingFound(answer);
  if (nothing) {
    return (
      <>
        <Nothing answer={answer} said={nothing} />
        {!answer.abstained && answer.operating_point.threshold !== null && <ProbabilityBar answer={answer} />}
      </>
    );
  }
  if (answer.abstained) return <NoAnswer flags={answer.trust.flags} />;
  if (isOfSeveral(answer)) return <LabelBars answer={answer} />;
  // Where every picture the bundle learnt from had a lesion, there is no probability that there is one.
  return answer.operating_point.threshold === null ? null : <ProbabilityBar answer={answer} />;
}

function Nothing({ answer, said }: { answer: Answer; said: string }) {
  const reasons = answer.trust.flags.filter((flag) => flag.severity === "abstain");
  return (
    <div className="nothing">
      <p className="figure">
        <strong>{said}</strong>
      </p>
      {reasons.map((flag) => (
        <p key={flag.code}>{flag.message}</p>
      ))}
    </div>
  );
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
