import type { Answer } from "../api/client";
import type { Picking } from "../usePicking";
import { figure, found, percent, signed } from "../words";
import { Part } from "./Part";

interface Props {
  answer: Answer;
  picking: Picking;
}

/** What is marked in the picture, each a button that sets it off there. */
export function Marked({ answer, picking }: Props) {
  if (answer.boxes?.length) return <Boxes answer={answer} picking={picking} />;
  return answer.regions?.length ? <Regions answer={answer} picking={picking} /> : null;
}

/** Regions that are listed, the largest; those beyond are in the JSON. */
const LISTED = 50;

function place(box: readonly number[]): string {
  const [left, top, width, height] = box;
  return `${width} × ${height} px at ${left}, ${top}`;
}

function Regions({ answer, picking }: Props) {
  const { picked, onPick } = picking;
  const regions = answer.regions ?? [];
  return (
    <Part title={found(answer)}>
      <ol className="marked" aria-label="Regions">
        {regions.slice(0, LISTED).map((region, at) => (
          <li key={at}>
            <button type="button" aria-pressed={picked === at} onClick={() => onPick(picked === at ? null : at)}>
              <span>
                {region.label} · {place(region.box)}
              </span>
              <small>
                {share(region.share)} of the picture · mean probability {percent(region.probability)}
              </small>
            </button>
          </li>
        ))}
      </ol>
      {regions.length > LISTED && <p className="aside">and {regions.length - LISTED} smaller ones, in the JSON</p>}
    </Part>
  );
}

function share(value: number): string {
  return value < 0.001 ? "< 0.1 %" : `${(value * 100).toFixed(1)} %`;
}

function Boxes({ answer, picking }: Props) {
  const { picked, least, onPick, onLeast } = picking;
  const boxes = answer.boxes ?? [];
  const shown = boxes.filter(({ score }) => score >= least).length;
  return (
    <Part title={found(answer)}>
      <label className="least">
        <span>Shown from</span>
        <input
          type="range"
          min={0}
          max={100}
          value={Math.round(least * 100)}
          aria-label="Least probability of the boxes that are shown"
          aria-valuetext={`${Math.round(least * 100)} %, ${shown} of ${boxes.length} shown`}
          onChange={(event) => onLeast(Number(event.target.value) / 100)}
        />
        <output>{Math.round(least * 100)} %</output>
      </label>
      <p className="aside" role="status">
        {shown} of {boxes.length} shown
      </p>
      <ol className="marked" aria-label="Boxes">
        {boxes.map(({ label, box, score }, at) =>
          score < least ? null : (
            <li key={at}>
              <button type="button" aria-pressed={picked === at} onClick={() => onPick(picked === at ? null : at)}>
                <span>
                  {label} · {percent(score)}
                </span>
                <small>{place(box)}</small>
              </button>
            </li>
          ),
        )}
      </ol>
      <p className="aside">The probability is that the box and a {answer.positive} overlap by half of what they cover together.</p>
    </Part>
  );
}

/** What was measured of the lesion that was answered for, and what each measure adds. */
export function Measures({ answer }: { answer: Answer }) {
  const labels = Object.keys(answer.probabilities);
  const most = Math.max(...(answer.measures ?? []).map(({ contribution }) => Math.abs(contribution)), 1e-9);
  return (
    <Part title="What was measured">
      <table className="measures">
        <thead>
          <tr>
            <th scope="col">here</th>
            {labels.map((label) => (
              <th key={label} scope="col" title={`mean of the ${label} lesions in training`}>
                {label}
              </th>
            ))}
            <th scope="col">adds</th>
          </tr>
        </thead>
        {(answer.measures ?? []).map(({ name, title, unit, value, usual, contribution }) => (
          <tbody key={name} data-measure={name}>
            <tr>
              <th scope="rowgroup" colSpan={labels.length + 2}>
                {title}
                {unit && <small> {unit}</small>}
              </th>
            </tr>
            <tr>
              <td>{figure(value)}</td>
              {labels.map((label) => (
                <td key={label}>{figure(usual[label] ?? NaN)}</td>
              ))}
              <td className={contribution > 0 ? "more" : "less"}>
                {signed(contribution)}
                <i style={{ width: `${(100 * Math.abs(contribution)) / most}%` }} />
              </td>
            </tr>
          </tbody>
        ))}
      </table>
      <p className="aside">
        Columns {labels.map((label) => `‘${label}’`).join(" and ")}: the mean of such lesions in training. ‘Adds’: how much higher
        the log odds of ‘{answer.positive}’ are than if the measure were that of the average lesion.
      </p>
    </Part>
  );
}
