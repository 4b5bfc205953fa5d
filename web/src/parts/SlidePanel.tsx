import { slideUrl, type Prediction, type Slide } from "../api/client";
import type { Picking } from "../usePicking";
import { area, duration, fates, megabytes, percent } from "../words";
import { Part } from "./Part";

interface Props {
  prediction: Prediction;
  slide: Slide;
  picking: Picking;
  onCard: (name: string) => void;
}

/** What a slide comes to. */
export function SlidePanel({ prediction, slide, picking, onCard }: Props) {
  const { operating_point: point, positive, fraction } = slide;
  return (
    <>
      <div className="probability">
        <p className="figure">
          {fraction === null ? <strong>Nothing answered</strong> : <strong>{percent(fraction)}</strong>}{" "}
          <span>{fraction !== null && `of the answered tissue is ‘${positive}’`}</span>
        </p>
        <p className="aside">
          A tile counts from {percent(point.threshold ?? 0)} on, the operating point ‘{point.name}’. The map’s colour is the probability;
          none is laid where it is close to nothing.
        </p>
      </div>
      {slide.warnings.length > 0 && (
        <ul className="flags">
          {slide.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <HotSpots slide={slide} picking={picking} />
      <Part title="Areas">
        <dl aria-label="Areas">
          <dt>Tissue</dt>
          <dd>{area(slide.tissue_mm2)}</dd>
          <dt>Answered</dt>
          <dd>{area(slide.answered_mm2)}</dd>
          <dt>Positive</dt>
          <dd>
            {area(slide.positive_mm2)}, {slide.regions} {slide.regions === 1 ? "patch" : "patches"}
          </dd>
          <dt>Tiles</dt>
          <dd>{fates(slide) || "none"}</dd>
        </dl>
      </Part>
      <Part title="How it came about">
        <dl>
          <dt>Model</dt>
          <dd>
            {slide.bundle} {slide.bundle_version} ·{" "}
            <button type="button" className="link" onClick={() => onCard(slide.bundle)}>
              card
            </button>
          </dd>
          <dt>Slide</dt>
          <dd>
            {slide.width} × {slide.height} px of {slide.microns[0]} µm, {megabytes(prediction.bytes)}
          </dd>
          <dt>Time</dt>
          <dd>{duration(slide.seconds)}</dd>
        </dl>
      </Part>
      <nav className="downloads" aria-label="Downloads">
        <a href={slideUrl(prediction.id, "summary.json")} download>
          Summary <small>JSON</small>
        </a>
        <a href={slideUrl(prediction.id, "regions.geojson")} download>
          Regions <small>GeoJSON</small>
        </a>
        <a href={slideUrl(prediction.id, "probability.ome.tiff")} download>
          Map <small>OME-TIFF</small>
        </a>
      </nav>
    </>
  );
}

function HotSpots({ slide, picking }: Pick<Props, "slide" | "picking">) {
  if (slide.hot_spots.length === 0) return null;
  return (
    <Part title="Hot spots">
      <ol className="marked" aria-label="Hot spots">
        {slide.hot_spots.map(({ x, y, probability }, at) => (
          <li key={at}>
            <button type="button" aria-pressed={picking.picked === at} onClick={() => picking.onPick(at)}>
              <span>
                {at + 1} · {percent(probability)}
              </span>
              <small>
                at {x}, {y}
              </small>
            </button>
          </li>
        ))}
      </ol>
    </Part>
  );
}
