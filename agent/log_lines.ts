/** One entry of a log: a line, or a part of one that was too long for the runtime. */
export interface LogEntry {
  /** RFC 3339 with fractions, UTC as `Z`: so the kubelet shows it, whatever the runtime writes. */
  time: string;
  /** Milliseconds since 1970. */
  timeMs: number;
  /** The text without its newline. */
  text: Uint8Array;
  /** Whether the line goes on in the next entry. */
  isPartial: boolean;
}

const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);

/**
 * Reads one line of a log in the CRI format: `TIME stdout|stderr F|P text`. What does not look like it is `undefined`.
 *
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export function criEntry(line: Uint8Array): LogEntry | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first < 0 || second < 0) return undefined;
  const time = new TextDecoder().decode(line.subarray(0, first));
  const timeMs = Date.parse(time);
  if (Number.isNaN(timeMs)) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const isPartial = line[second + 1] === PARTIAL;
  return {
    time: time.replace(/[+-]00:00$/, "Z"),
    timeMs,
    text: third < 0 ? new Uint8Array() : line.subarray(third + 1),
    isPartial,
  };
}

/** A line of a raw log: its time is the one given, that of the file. */
export function rawEntry(line: Uint8Array, timeMs: number): LogEntry {
  return { time: new Date(timeMs).toISOString(), timeMs, text: line, isPartial: false };
}

/** Whether an entry of a CRI log, given as its line, ends a line of the program. */
export function endsLine(line: Uint8Array): boolean {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  return line[second + 1] !== PARTIAL;
}

/** A line of a raw log that is longer comes in pieces: nobody's newline is worth the memory. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * Cuts bytes into lines, across the borders of what comes in. What follows the last newline waits.
 */
export class LineCutter {
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  *cut(bytes: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield this.#join(bytes.subarray(start, end));
      start = end + 1;
    }
    if (start === bytes.length) return;
    this.#rest.push(bytes.slice(start));
    this.#restBytes += bytes.length - start;
    if (this.#restBytes > LINE_BYTES_MAX) yield this.#join(new Uint8Array());
  }

  /** The line that never got its newline. */
  flush(): Uint8Array | undefined {
    return this.#restBytes === 0 ? undefined : this.#join(new Uint8Array());
  }

  #join(last: Uint8Array): Uint8Array {
    if (this.#restBytes === 0) return last;
    const whole = new Uint8Array(this.#restBytes + last.length);
    let at = 0;
    for (const part of [...this.#rest, last]) {
      whole.set(part, at);
      at += part.length;
    }
    this.#rest = [];
    this.#restBytes = 0;
    return whole;
  }
}
