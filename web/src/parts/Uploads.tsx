import { useEffect, useState, type RefObject } from "react";

import type { Model, Prediction, Question } from "../api/client";
import { summary } from "../words";

interface Props {
  list: readonly Prediction[];
  loaded: boolean;
  selected: string | null;
  models: readonly Model[];
  question: Question;
  sending: number;
  picker: RefObject<HTMLInputElement | null>;
  onQuestion: (question: Question) => void;
  onFiles: (files: readonly File[]) => void;
  onSelect: (id: string) => void;
}

const ACCEPTED = ".dcm,.dicom,.svs,.ndpi,.scn,.bif,.png,.jpg,.jpeg,.bmp,.dib,.tif,.tiff,.pgm,.ppm,image/*";

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Whether files are being dragged over the page; dropping them anywhere hands them over. */
function useDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const enter = (event: DragEvent) => {
      if (carriesFiles(event)) setOver(++depth > 0);
    };
    const leave = (event: DragEvent) => {
      if (carriesFiles(event)) setOver(--depth > 0);
    };
    const hold = (event: DragEvent) => {
      if (carriesFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      onFiles([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener("dragenter", enter);
    window.addEventListener("dragleave", leave);
    window.addEventListener("dragover", hold);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", enter);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("dragover", hold);
      window.removeEventListener("drop", drop);
    };
  }, [onFiles]);
  return over;
}

export function Uploads(props: Props) {
  const { list, loaded, selected, models, question, sending, picker, onQuestion, onFiles, onSelect } = props;
  const over = useDrop(onFiles);
  return (
    <section className="uploads" aria-label="Uploads">
      <label className={over ? "drop over" : "drop"}>
        <input
          ref={picker}
          type="file"
          multiple
          accept={ACCEPTED}
          onChange={(event) => {
            onFiles([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <strong>{sending ? `Sending ${sending} ${sending === 1 ? "file" : "files"}…` : "Drop or choose pictures"}</strong>
        <span>DICOM, PNG, JPEG, TIFF, BMP, PGM · up to 50 MB each; slides of tissue as SVS, TIFF, OME-TIFF</span>
      </label>
      <Choices models={models} question={question} onQuestion={onQuestion} />
      <ol className="list">
        {list.map((item) => (
          <li key={item.id}>
            <button
              type="button"
              className={`row ${item.state}`}
              aria-current={item.id === selected ? "true" : undefined}
              onClick={() => onSelect(item.id)}
            >
              <span className="name" title={item.filename}>
                {item.filename}
              </span>
              <span className={item.result?.abstained ? "said doubt" : "said"}>{summary(item)}</span>
              {(item.state === "queued" || item.state === "running") && (
                <progress value={item.progress} max={1} aria-label={`Progress of ${item.filename}`} />
              )}
            </button>
          </li>
        ))}
      </ol>
      {loaded && list.length === 0 && <p className="hint">Nothing uploaded yet.</p>}
    </section>
  );
}

/** What new uploads are asked, where there is a choice. */
function Choices({ models, question, onQuestion }: Pick<Props, "models" | "question" | "onQuestion">) {
  const model = models.find((item) => item.name === question.bundle) ?? models[0];
  if (!model) return null;
  const points = model.operating_points.map((item) => item.name);
  if (models.length < 2 && points.length < 2) return null;
  return (
    <fieldset className="choices">
      <legend>New uploads</legend>
      {models.length > 1 && (
        <label>
          <span>Model</span>
          <select value={model.name} onChange={(event) => onQuestion({ bundle: event.target.value, operatingPoint: "" })}>
            {models.map((item) => (
              <option key={item.name}>{item.name}</option>
            ))}
          </select>
        </label>
      )}
      {points.length > 1 && (
        <label>
          <span>Operating point</span>
          <select
            value={question.operatingPoint || model.operating_point}
            onChange={(event) => onQuestion({ bundle: model.name, operatingPoint: event.target.value })}
          >
            {points.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  );
}
