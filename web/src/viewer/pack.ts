/** Four channels to one where all are equal, else to three. */
export function packed(rgba: Uint8ClampedArray): { pixels: Uint8Array; color: boolean } {
  const count = rgba.length / 4;
  let color = false;
  for (let i = 0; i < rgba.length && !color; i += 4) {
    color = rgba[i] !== rgba[i + 1] || rgba[i] !== rgba[i + 2];
  }
  const channels = color ? 3 : 1;
  const pixels = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < channels; channel++) {
      pixels[i * channels + channel] = rgba[i * 4 + channel] as number;
    }
  }
  return { pixels, color };
}
