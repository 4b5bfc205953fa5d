import { describe, expect, it } from "vitest";

import type { Answer, Prediction } from "./api/client";
import { asked, chance, duration, familiarity, figure, found, isOfSeveral, kindOf, megabytes, nothingFound, pace, percent, signed, summary, verdict } from "./words";
import { packed } from "./viewer/pack";

const answer: Answer = {
  file: "a.png", sha256: "0", width: 1, height: 1, task: "ultrasound", bundle: "tiny", bundle_version: "1",
  label: "benign", positive: "malignant", probability: 0.12, probabilities: { benign: 0.88, malignant: 0.12 },
  reference_prevalence: 0.3, operating_point: { name: "balanced", threshold: 0.35 }, abstained: false,
  trust: { percentile: 41, distance: 0.6, flags: [] }, timings_ms: { read: 1, preprocess: 1, network: 1 }, notice: "",
};

describe("words", () => {
  it("never claims certainty by rounding", () => {
    expect([0.001, 0.004, 0.12, 0.996, 1].map(percent)).toEqual(["< 1 %", "< 1 %", "12 %", "> 99 %", "100 %"]);
  });

  it("names the side of the operating point", () => {
    expect(verdict(answer)).toBe("Below the operating point ‘balanced’ (35 %): benign.");
    expect(verdict({ ...answer, label: "malignant" })).toMatch(/^Above .*: malignant\.$/);
  });

  it("names the most probable of several labels", () => {
    const dense: Answer = {
      ...answer, label: "glandular", positive: "dense", probability: 0.2,
      probabilities: { fatty: 0.1, glandular: 0.7, dense: 0.2 }, operating_point: { name: "most_probable", threshold: null },
    };
    expect(verdict(dense)).toBe("Most probable of 3 labels: glandular.");
    expect([isOfSeveral(dense), asked(dense), chance(dense)]).toEqual([true, "glandular", 0.7]);
    expect([isOfSeveral(answer), asked(answer), chance(answer)]).toEqual([false, "malignant", 0.12]);
    expect(asked({ ...dense, abstained: true, label: null })).toBe("dense");
  });

  it("says when a picture is out of bounds", () => {
    expect(familiarity({ ...answer, trust: { percentile: 100, distance: 1.2, flags: [] } })).toMatch(/unlike/);
    expect(familiarity({ ...answer, trust: { percentile: 88.6, distance: 0.9, flags: [] } })).toMatch(/than 88 %/);
  });

  it("says that nothing was found only where that is the answer", () => {
    const region = { label: "lesion", box: [1, 2, 3, 4], pixels: 9, share: 0.1, probability: 0.8 };
    const outline: Answer = { ...answer, positive: "lesion", label: "lesion", regions: [region] };
    const none: Answer = { ...outline, label: "tissue", regions: [] };
    expect([outline, none].map(nothingFound)).toEqual(["", "No lesion outlined"]);
    expect([outline, none].map(found)).toEqual(["1 region outlined", "0 regions outlined"]);
    expect(nothingFound({ ...none, abstained: true, label: null })).toBe("");
    expect(verdict({ ...none, probability: 0.9 })).toMatch(/^Above .* yet nothing stands out: tissue\.$/);
    expect(nothingFound({ ...none, regions: null, boxes: [] })).toBe("No lesion found");
    const flag = (code: string) => ({ code, message: "", severity: "abstain" as const });
    const chain = (...codes: string[]): Answer => ({
      ...none, abstained: true, label: null, measures: [], trust: { ...answer.trust, flags: codes.map(flag) },
    });
    expect([chain("no_lesion"), chain("no_lesion", "blank")].map(nothingFound)).toEqual(["No lesion outlined", ""]);
    const sure = { ...outline, operating_point: { name: "largest_region", threshold: null } };
    const told = [sure, none, answer].map((result) => summary({ state: "done", result } as Prediction));
    expect(told).toEqual(["1 region outlined", "no lesion outlined", "12 % malignant"]);
    expect([answer, outline, chain(), { ...answer, boxes: [] }].map(kindOf)).toEqual(["label", "outline", "chain", "boxes"]);
  });

  it("gives measures and what they add", () => {
    expect([0.123456, -1.65, 12345.6, 0].map(figure)).toEqual(["0.123", "−1.65", "12346", "0"]);
    expect([0.256, -1.2, 0.001, -0.001].map(signed)).toEqual(["+0.26", "−1.20", "0", "0"]);
  });

  it("says how far a slide is", () => {
    expect(pace({ tiles: 0, of: 1200, per_second: 0, seconds_left: null })).toBe("0 of 1,200 tiles");
    expect(pace({ tiles: 300, of: 1200, per_second: 7.26, seconds_left: 124 })).toBe("300 of 1,200 tiles · 7.3 tiles/s · 2 min left");
    expect([0.2, 59, 3700].map(duration)).toEqual(["1 s", "59 s", "1 h 2 min"]);
  });

  it("gives sizes", () => {
    expect([10, 45_300, 12_340_000].map(megabytes)).toEqual(["1 kB", "45 kB", "12.3 MB"]);
  });
});

describe("packed", () => {
  it("keeps one channel of a grey picture and three of a coloured one", () => {
    expect(packed(new Uint8ClampedArray([7, 7, 7, 255, 9, 9, 9, 255]))).toEqual({ pixels: new Uint8Array([7, 9]), color: false });
    expect(packed(new Uint8ClampedArray([7, 8, 9, 255]))).toEqual({ pixels: new Uint8Array([7, 8, 9]), color: true });
  });
});
