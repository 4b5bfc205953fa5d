import { Dialog } from "./Dialog";

const KEYS: readonly (readonly [string, string])[] = [
  ["U", "choose pictures"],
  ["J / K", "next / previous upload"],
  ["W", "dragging sets brightness and contrast (window/level)"],
  ["P", "dragging moves the picture"],
  ["+ / −", "zoom in / out; also the wheel or two fingers"],
  ["← ↑ ↓ →", "move the picture; also Shift or the middle button"],
  ["0", "reset the view"],
  ["I", "invert grey levels"],
  ["E", "show or hide the evidence"],
  ["O", "show or hide outlines and boxes"],
  ["[ / ]", "evidence fainter / stronger"],
];

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
