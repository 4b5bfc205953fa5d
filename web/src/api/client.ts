/** The service's REST interface, typed by its own OpenAPI document. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type Prediction = components["schemas"]["PredictionView"];
export type Answer = components["schemas"]["Answer"];
export type Flag = components["schemas"]["FlagView"];
export type Region = components["schemas"]["RegionView"];
export type Found = components["schemas"]["FoundView"];
export type Measure = components["schemas"]["MeasureView"];
export type Contour = components["schemas"]["ContourView"];
export type Slide = components["schemas"]["SlideView"];
export type Work = components["schemas"]["WorkView"];
export type Model = components["schemas"]["ModelView"];
export type ModelCard = components["schemas"]["ModelCardView"];
export type Problem = components["schemas"]["Problem"];

export const LISTED = 100;

const client = createClient<paths>({ baseUrl: "" });

/** An error of the service, or its silence, in one line and a hint. */
export class ServiceProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

const SILENT: Problem = {
  code: "no_service",
  message: "The service does not answer.",
  hint: "See whether `senoscope serve` still runs.",
};

async function settled<T>(call: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  let reply: { data?: T; error?: unknown };
  try {
    reply = await call;
  } catch {
    throw new ServiceProblem(SILENT);
  }
  if (reply.data === undefined) throw new ServiceProblem((reply.error as Problem | undefined) ?? SILENT);
  return reply.data;
}

export function listPredictions(): Promise<Prediction[]> {
  return settled(client.GET("/api/v1/predictions", { params: { query: { limit: LISTED } } }));
}

export function getPrediction(id: string): Promise<Prediction> {
  return settled(client.GET("/api/v1/predictions/{prediction}", { params: { path: { prediction: id } } }));
}

export function getOutlines(id: string): Promise<Contour[]> {
  return settled(client.GET("/api/v1/predictions/{prediction}/outlines.json", { params: { path: { prediction: id } } }));
}

export function listModels(): Promise<Model[]> {
  return settled(client.GET("/api/v1/models"));
}

export function getModel(name: string): Promise<ModelCard> {
  return settled(client.GET("/api/v1/models/{name}", { params: { path: { name } } }));
}

/** What new uploads are asked; empty means the service's own choice. */
export interface Question {
  bundle: string;
  operatingPoint: string;
}

export function upload(files: readonly File[], question: Question): Promise<Prediction[]> {
  const form = new FormData();
  if (question.bundle) form.append("bundle", question.bundle);
  if (question.operatingPoint) form.append("operating_point", question.operatingPoint);
  for (const file of files) form.append("files", file, file.name);
  return settled(
    client.POST("/api/v1/predictions", { body: { files: [] }, bodySerializer: () => form }),
  );
}

/** Follow every prediction; `onOpen` runs on each connection, when what was missed should be fetched. */
export function follow(onChange: (prediction: Prediction) => void, onOpen: () => void, onLost: () => void): () => void {
  const source = new EventSource("/api/v1/events");
  source.addEventListener("prediction", (event) => onChange(JSON.parse((event as MessageEvent<string>).data) as Prediction));
  source.addEventListener("open", onOpen);
  source.addEventListener("error", onLost);
  return () => source.close();
}

export function pictureUrl(id: string, name: "image" | "heat", side: number): string {
  return `/api/v1/predictions/${id}/${name}.png?side=${side}`;
}

export function overlayUrl(id: string, opacity: number): string {
  return `/api/v1/predictions/${id}/overlay.png?opacity=${opacity}`;
}

/** A file or a picture of a slide: `map.png`, `summary.json`, and so on. */
export function slideUrl(id: string, name: string): string {
  return `/api/v1/predictions/${id}/slide/${name}`;
}

export function tileUrl(id: string, zoom: number, column: number, row: number): string {
  return slideUrl(id, `tiles/${zoom}/${column}_${row}.jpeg`);
}

export function resultUrl(id: string): string {
  return `/api/v1/predictions/${id}/result.json`;
}
