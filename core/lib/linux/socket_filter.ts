/** Opcodes of classic BPF (bpf(4)). */
const CODE = { load8: 0x30, load16: 0x28, equal: 0x15, hasBits: 0x45, return: 0x06 } as const;
const INSTRUCTION_BYTES = 8;
const WHOLE = 0xffff_ffff;

/**
 * A line of a filter: a label; `load8` and `load16` load one or two bytes, in network byte order, from an offset; `equal`
 * and `hasBits` jump to a label when the loaded value matches; `pass` or `drop` the message.
 */
export type FilterLine =
  | { label: string }
  | readonly ["load8" | "load16", offset: number]
  | readonly ["equal" | "hasBits", value: number, label: string]
  | readonly ["pass"]
  | readonly ["drop"];

/** The instructions of a filter for a socket (socket(7), SO_ATTACH_FILTER). Jumps go forward only. */
export function assembled(lines: readonly FilterLine[]): Uint8Array<ArrayBuffer> {
  const places = new Map<string, number>();
  let count = 0;
  for (const line of lines) {
    if ("label" in line) places.set(line.label, count);
    else count++;
  }
  const bytes = new Uint8Array(count * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const line of lines) {
    if ("label" in line) continue;
    const [operation, value = 0, label] = line;
    const isEnd = operation === "pass" || operation === "drop";
    const place = at * INSTRUCTION_BYTES;
    at++;
    view.setUint16(place, isEnd ? CODE.return : CODE[operation], true);
    if (label !== undefined) view.setUint8(place + 2, places.get(label)! - at);
    view.setUint32(place + 4, operation === "pass" ? WHOLE : value, true);
  }
  return bytes;
}
