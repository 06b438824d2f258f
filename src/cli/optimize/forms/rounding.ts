/** To the nearest whole number; halves to the even one, as kernels do. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Numbers in eight bits with a sign, by a scale for each channel.
 * @param channelOf the channel of an element
 * @returns undefined where one of them is no number
 */
export function codesOf(
  values: Float32Array,
  channels: number,
  channelOf: (index: number) => number,
): { readonly codes: Int8Array<ArrayBuffer>; readonly scales: Float32Array<ArrayBuffer> } | undefined {
  const scales = new Float32Array(channels);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    const size = Math.abs(values[i]!);
    if (!(size < Infinity)) return undefined;
    if (size > scales[channel]!) scales[channel] = size;
  }
  for (let channel = 0; channel < channels; channel++)
    scales[channel] = scales[channel]! > 0 ? scales[channel]! / 127 : 1;
  const codes = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const code = roundHalfEven(Math.fround(values[i]! / scales[channelOf(i)]!));
    codes[i] = Math.max(-127, Math.min(127, code));
  }
  return { codes, scales };
}
