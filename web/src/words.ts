/** Answers in plain words. */
import type { Answer, Prediction } from "./api/client";

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

/** Which side of the operating point, and what that means; of several labels, which one is called. */
export function verdict(answer: Answer): string {
  const { name, threshold } = answer.operating_point;
  if (threshold === null) return `Most probable of ${Object.keys(answer.probabilities).length} labels: ${answer.label}.`;
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
  const { state, result, error } = prediction;
  if (state === "failed") return error ? reason(prediction.filename, error.message) : "failed";
  if (state === "queued") return "waiting";
  if (state === "running" || !result) return "being read";
  if (result.abstained) return "no answer";
  return `${percent(chance(result))} ${asked(result)}`;
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
