import type { LogOptions } from "../../core/client/node_streams.ts";

/** A line that is longer counts as several: nobody's newline is looked for without an end. */
const LINE_BYTES_MAX = 1024 * 1024;

/** What a runtime writes to a container's log, and how it is read. */
export interface LogFormat {
  /** As a runtime says in `logFormat`. */
  readonly name: string;
  /**
   * Who keeps the history of a log that has reached its size. `agent`: the runtime starts the log again, and the file
   * before is lost unless the agent has linked it.
   */
  readonly historyKeptBy: "agent" | "runtime";
  text(shown: ShownLog): LogText;
  tailSearch(lines: number): TailSearch;
}

export type ShownLog = Pick<LogOptions, "timestamps" | "sinceMs">;

/** Makes what the API sends of what is in the files, block by block. Keeps no more than one entry. */
export interface LogText {
  /** `writtenMs`: when the file was last written, in ms since 1970. */
  of(block: Uint8Array, writtenMs: number): Uint8Array;
  /** What is left when there are no more. */
  rest(): Uint8Array;
}

/** Counts lines, from the end of a log backwards. */
export interface TailSearch {
  /** Takes the block before the last one. Where in it the tail begins; `undefined`: before it. */
  back(block: Uint8Array, options: { isBegin: boolean }): number | undefined;
  /** Where in the last block the first entry begins, as far as that is known. */
  readonly firstEntry: number;
}

/** Counts the lines of a tail. */
export class LineCount {
  /** Of the line that is being looked at. */
  bytes = 0;
  readonly #wanted: number;
  #found = 0;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** Counts a line that begins; true when it is the first of the tail. */
  begins(): boolean {
    this.bytes = 0;
    return ++this.#found === this.#wanted;
  }

  /** Has a line that is too long count as one that begins; true when it is the first of the tail. */
  breaks(): boolean {
    return this.bytes >= LINE_BYTES_MAX && this.begins();
  }
}
