/** Answers in plain words. */
import type { Answer, Prediction, Slide, Work } from "./api/client";

/** A probability as people read it: whole percent, never a false 0 or 100. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}

export function isAbove(answer: Answer): boolean {
  return answer.label === answer.positive;
}

/** Whether the answer is one of more than two labels, of which the most probable one is called. */
export function isOfSeveral(answer: Answer): boolean {
  return Object.keys(answer.probabilities).length > 2;
}

/** The label whose probability is shown first: of two the positive one, of more the one that is called. */
export function asked(answer: Answer): string {
  return isOfSeveral(answer) && answer.label ? answer.label : answer.positive;
}

/** The probability of that label. */
export function chance(answer: Answer): number {
  return answer.probabilities[asked(answer)] ?? answer.probability;
}

const NO_LESION = "no_lesion";

/** What an answer says beside its probability: outlines, boxes, or measures of what it outlined. */
export type Kind = "label" | "outline" | "boxes" | "chain";

export function kindOf(answer: Answer): Kind {
  if (answer.measures) return "chain";
  if (answer.boxes) return "boxes";
  return answer.regions ? "outline" : "label";
}

/** What the button that shows and hides the lines is called; empty where there are none. */
export function linesOf(answer: Answer): string {
  return { label: "", outline: "Outline", chain: "Outline", boxes: "Boxes" }[kindOf(answer)];
}

/** That nothing was found, as the answer it is; empty where something was, and where the answer is withheld. */
export function nothingFound(answer: Answer): string {
  const kind = kindOf(answer);
  const withheld = answer.trust.flags.filter((flag) => flag.severity === "abstain");
  const absent = withheld.length > 0 && withheld.every((flag) => flag.code === NO_LESION);
  if (kind === "chain") return absent ? "No lesion outlined" : "";
  if (answer.abstained || isOfSeveral(answer)) return "";
  if (kind === "outline" && answer.regions?.length === 0) return `No ${answer.positive} outlined`;
  return kind === "boxes" && answer.boxes?.length === 0 ? `No ${answer.positive} found` : "";
}

/** What was found, in a few words; empty where the answer is of labels alone. */
export function found(answer: Answer): string {
  const count = (answer.boxes ?? answer.regions ?? []).length;
  const nouns = { label: "", chain: "lesion outlined", outline: "region outlined", boxes: "box" }[kindOf(answer)];
  if (!nouns) return "";
  const [noun = "", ...rest] = nouns.split(" ");
  return [count, count === 1 ? noun : `${noun}${noun === "box" ? "es" : "s"}`, ...rest].join(" ");
}

/** What the figures of several labels are: probabilities, or of regions the shares of the picture they take. */
export function figuresOf(answer: Answer): string {
  return kindOf(answer) === "outline" ? "share of" : "probability of";
}

/** What the colours over the picture are. */
export function heatLegend(answer: Answer): string {
  const { positive } = answer;
  switch (kindOf(answer)) {
    case "outline":
      return `how probably each place is ‘${positive}’, relative to the most probable one`;
    case "boxes":
      return `how surely each place is the middle of a ‘${positive}’, relative to the surest one`;
    case "chain":
      return "where the lesion was seen, relative to the strongest spot";
    default:
      return `where evidence for ‘${asked(answer)}’ lies, relative to its own strongest spot: neither how strong it is nor where a lesion ends`;
  }
}

/** A number with three significant digits, and a sign that typesets. */
export function figure(value: number): string {
  const text = Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

/** A contribution with its sign. */
export function signed(value: number): string {
  const text = value.toFixed(2);
  return Number(text) === 0 ? "0" : value > 0 ? `+${text}` : text.replace("-", "−");
}

/** Which side of the operating point, and what that means; of several labels, which one is called. */
export function verdict(answer: Answer): string {
  const { name, threshold } = answer.operating_point;
  if (threshold === null && kindOf(answer) === "outline") return `Largest of ${Object.keys(answer.probabilities).length} kinds: ${answer.label}.`;
  if (threshold === null) return `Most probable of ${Object.keys(answer.probabilities).length} labels: ${answer.label}.`;
  if (nothingFound(answer) && answer.probability >= threshold) {
    return `Above the operating point ‘${name}’ (${percent(threshold)}), and yet nothing stands out: ${answer.label}.`;
  }
  const side = isAbove(answer) ? "Above" : "Below";
  return `${side} the operating point ‘${name}’ (${percent(threshold)}): ${answer.label}.`;
}

/** How usual the picture is, in one sentence. */
export function familiarity(answer: Answer): string {
  const { percentile, distance } = answer.trust;
  if (distance > 1) return "The picture is unlike those the model knows.";
  if (percentile < 50) return "The picture is a usual one for the model.";
  const share = Math.min(99, Math.floor(percentile));
  return `The picture is more unusual than ${share} % of those the model was checked on, and within its limits.`;
}

/** A message without the file's name, where that stands beside it. */
export function reason(filename: string, message: string): string {
  return message.startsWith(`${filename}: `) ? message.slice(filename.length + 2) : message;
}

/** One line for the list of uploads. */
export function summary(prediction: Prediction): string {
  const { state, result, error, slide, work } = prediction;
  if (state === "failed") return error ? reason(prediction.filename, error.message) : "failed";
  if (state === "queued") return "waiting";
  if (slide) return slide.fraction === null ? "nothing answered" : `${percent(slide.fraction)} of the tissue positive`;
  if (work && work.of > 0) return `${percent(work.tiles / work.of)} of the tiles`;
  if (state === "running" || !result) return "being read";
  if (nothingFound(result)) return nothingFound(result).toLowerCase();
  if (result.abstained) return "no answer";
  if (result.operating_point.threshold === null && !isOfSeveral(result)) return found(result);
  return `${percent(chance(result))} ${asked(result)}`;
}

/** How far a slide is, and how long it will take. */
export function pace({ tiles, of, per_second: rate, seconds_left: left }: Work): string {
  const done = `${count(tiles)} of ${count(of)} tiles`;
  if (!tiles) return done;
  return `${done} · ${rate < 10 ? rate.toFixed(1) : count(rate)} tiles/s${left === null ? "" : ` · ${duration(left)} left`}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** An area as it is read: three digits are plenty. */
export function area(mm2: number): string {
  return `${figure(mm2)} mm²`;
}

/** What became of the tiles of a slide, glass left out. */
export function fates(slide: Slide): string {
  const names: Record<string, string> = { answered: "answered", withheld: "withheld", blurred: "blurred", pen: "under pen marks" };
  return Object.entries(names)
    .filter(([name]) => slide.tiles[name])
    .map(([name, word]) => `${count(slide.tiles[name] ?? 0)} ${word}`)
    .join(", ");
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
