import type { Answer } from "../api/client";
import { chance, figuresOf, heatLegend, percent, verdict } from "../words";

/** The probability of each of several labels, in the task's order, with the one that is called set off. */
export function LabelBars({ answer }: { answer: Answer }) {
  return (
    <div className="probability several">
      <p className="figure">
        <strong>{percent(chance(answer))}</strong> <span>
          {figuresOf(answer)} ‘{answer.label}’
        </span>
      </p>
      <ul className="labels">
        {Object.entries(answer.probabilities).map(([label, share]) => (
          <li key={label} className={label === answer.label ? "called" : undefined}>
            <span>{label}</span>
            <div
              className="bar"
              role="meter"
              aria-label={`${figuresOf(answer) === "share of" ? "Share" : "Probability"} of ${label}`}
              aria-valuemin={0}
              aria-valuemax={100}
              aria-valuenow={Math.round(share * 100)}
              aria-valuetext={percent(share)}
            >
              <div className="fill" style={{ width: `${Math.max(0.8, share * 100)}%` }} />
            </div>
            <span>{percent(share)}</span>
          </li>
        ))}
      </ul>
      <p className="verdict">{verdict(answer)}</p>
      <ul className="legend">
        <li>
          <i className="swatch" /> {heatLegend(answer)}
        </li>
      </ul>
    </div>
  );
}
