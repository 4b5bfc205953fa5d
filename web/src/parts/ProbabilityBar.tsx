import type { Answer } from "../api/client";
import { heatLegend, isAbove, percent, verdict } from "../words";

/** The probability on a scale from 0 to 100 % with the operating point and the reference prevalence marked. */
export function ProbabilityBar({ answer }: { answer: Answer }) {
  const { probability, positive, operating_point: point, reference_prevalence: prevalence } = answer;
  const at = (share: number) => ({ left: `${share * 100}%` });
  return (
    <div className={isAbove(answer) ? "probability above" : "probability below"}>
      <p className="figure">
        <strong>{percent(probability)}</strong> <span>probability of ‘{positive}’</span>
      </p>
      <div
        className="bar"
        role="meter"
        aria-label={`Probability of ${positive}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(probability * 100)}
        aria-valuetext={`${percent(probability)}. ${verdict(answer)}`}
      >
        <div className="fill" style={{ width: `${Math.max(0.8, probability * 100)}%` }} />
        <div className="mark prevalence" style={at(prevalence)} />
        {point.threshold !== null && <div className="mark threshold" style={at(point.threshold)} />}
      </div>
      <div className="scale" aria-hidden="true">
        <span>0</span>
        <span>50</span>
        <span>100 %</span>
      </div>
      <p className="verdict">{verdict(answer)}</p>
      <ul className="legend">
        {point.threshold !== null && (
          <li>
            <i className="mark threshold" /> operating point ‘{point.name}’ at {percent(point.threshold)}
          </li>
        )}
        <li>
          <i className="mark prevalence" /> reference prevalence: {percent(prevalence)} of the images behind this calibration
          were {positive}; where cases are rarer, the probability is lower
        </li>
        <li>
          <i className="swatch" /> {heatLegend(answer)}
        </li>
      </ul>
    </div>
  );
}
