/** A position in a text; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** The stream is not a stream of manifests, or exceeds a limit. */
export class ManifestError extends Error {
  override name = "ManifestError";
  /** `fault`: what is wrong, without the position; `message` has both. */
  constructor(readonly fault: string, readonly position: Position) {
    super(`line ${position.line}, column ${position.column}: ${fault}`);
  }
}

export function keySetTwice(key: string, position: Position): ManifestError {
  return new ManifestError(`key ${JSON.stringify(key)} already set in map`, position);
}

export function keyForbidden(key: string, position: Position): ManifestError {
  return new ManifestError(`the key ${JSON.stringify(key)} is not allowed`, position);
}

/** The position of an offset. Counts the lines anew each time: it is needed for faults only. */
export function positionIn(text: string, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** The positions of many offsets in one text: the lines are counted once, on first use. */
export class Places {
  readonly #text: string;
  #lineStarts: Uint32Array | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  at(offset: number): Position {
    const starts = this.#lineStarts ??= lineStartsOf(this.#text);
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }
}

function lineStartsOf(text: string): Uint32Array {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  const starts = new Uint32Array(count);
  let line = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    starts[++line] = at + 1;
  }
  return starts;
}
