import type { ByteSink } from "../lib/byte_queue.ts";

/** Which streams of a command or a container are asked for. */
export interface WantedStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** A terminal: what is written to stderr comes on stdout. */
  tty: boolean;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface OutputPiece {
  stream: "stdout" | "stderr";
  bytes: Uint8Array;
}

/** A connection to the streams of a command that runs in a container, or of the container itself. */
export interface ContainerSession {
  /** Its end is the end of stdin. Takes nothing unless stdin was asked for. */
  readonly input: ByteSink;
  /** At the pace of its reader. Ends when the command has ended, or after {@linkcode close}. */
  readonly output: AsyncIterable<OutputPiece>;
  /** Without a terminal it does nothing. */
  resize(size: TerminalSize): Promise<void>;
  /** To be asked for once the output has ended. Of an attached container: 0. */
  exitCode(): Promise<number>;
  /** Lets go of the streams. A command that has not ended goes on, as in Kubernetes, without input. */
  close(): void;
}
