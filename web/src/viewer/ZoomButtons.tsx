interface Props {
  onZoom: (factor: number) => void;
  onReset: () => void;
  step: number;
}

export default function ZoomButtons({ onZoom, onReset, step }: Props) {
  return (
    <>
      <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => onZoom(1 / step)}>
        −
      </button>
      <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => onZoom(step)}>
        +
      </button>
      <button type="button" title="Reset the view (0)" onClick={onReset}>
        Reset
      </button>
    </>
  );
}
