/** A place in a text; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** A stream that is no stream of manifests, or more than is allowed. */
export class ManifestError extends Error {
  override name = "ManifestError";
  /** `fault`: what is wrong, without the place; `message` has both. */
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

/** The place of an offset. Counts the lines anew each time: it is asked for faults only. */
export function positionIn(text: string, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
