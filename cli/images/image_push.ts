import { ApiError } from "../../core/client/api_error.ts";
import { LinkError } from "../../core/client/link_error.ts";
import { type NodeImages, PIECE_BYTES_MAX } from "../../core/client/images/node_images.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { CommandError } from "../../server/command_error.ts";
import type { ArchivedBlob, ImageFiles } from "./image_archive.ts";
import { descriptorOf } from "./image_archive.ts";

/** The first piece, over a link of unknown speed. */
const PIECE_BYTES_FIRST = 128 * 1024;
/** Pieces grow while one takes less than this, and shrink when it takes much longer. */
const PIECE_MS = 3_000;
/** Attempts in a row that have brought nothing. */
const FAILURES_MAX = 5;
const RETRY_MS = 2_000;

export interface PushOptions {
  images: Omit<NodeImages, "pull">;
  clock: Clock;
  signal: AbortSignal;
  /** Called with what is to be sent, and after each piece. */
  onProgress(progress: Progress): void;
}

export interface Progress {
  /** Files and bytes that the node lacked. */
  files: number;
  bytes: number;
  sentBytes: number;
}

/**
 * Sends an image to a node: what it lacks of it, in pieces, from where an earlier transfer broke off. Resolves with the names
 * under which the node has it. Goes on after failures of the link, as long as something comes through.
 */
export async function pushImage(
  name: string,
  { manifest, all }: ImageFiles,
  options: PushOptions,
): Promise<readonly string[]> {
  const { images, clock, signal } = options;
  for (let failures = 0;;) {
    const sent = { bytes: 0 };
    try {
      await sendMissing(all, options, (bytes) => sent.bytes += bytes);
      return await images.load({ name, manifest: descriptorOf(manifest) });
    } catch (error) {
      if (!mayPass(error)) throw error;
      failures = sent.bytes > 0 ? 1 : failures + 1;
      if (failures >= FAILURES_MAX) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** The link may come back, and a node that has lost a layer is sent it. */
function mayPass(error: unknown): boolean {
  return error instanceof LinkError ||
    (error instanceof ApiError && (error.code === 503 || error.code === 504 || error.code === 429));
}

async function sendMissing(
  all: readonly ArchivedBlob[],
  { images, clock, signal, onProgress }: PushOptions,
  onSent: (bytes: number) => void,
): Promise<void> {
  const missing = await images.missing(all.map(descriptorOf));
  const lacking = all.filter(({ digest }, index) =>
    Object.hasOwn(missing, digest) && all.findIndex((one) => one.digest === digest) === index
  );
  const progress = {
    files: lacking.length,
    bytes: lacking.reduce((sum, { digest, size }) => sum + size - missing[digest]!, 0),
    sentBytes: 0,
  };
  onProgress(progress);
  let pieceBytes = PIECE_BYTES_FIRST;
  for (const blob of lacking) {
    for (let at = missing[blob.digest]!; at < blob.size || blob.size === 0;) {
      signal.throwIfAborted();
      const bytes = await blob.read(at, Math.min(pieceBytes, blob.size - at));
      if (bytes.length === 0 && blob.size > 0) {
        throw new CommandError("Cannot read the archive any more: it has become shorter");
      }
      const beganMs = clock.elapsed();
      at = await images.write(descriptorOf(blob), at, bytes);
      pieceBytes = nextPieceBytes(pieceBytes, clock.elapsed() - beganMs);
      progress.sentBytes += bytes.length;
      onSent(bytes.length);
      onProgress(progress);
      if (blob.size === 0) break;
    }
  }
}

/** Pure. `tookMs`: of the last piece. */
export function nextPieceBytes(bytes: number, tookMs: number): number {
  if (tookMs < PIECE_MS) return Math.min(PIECE_BYTES_MAX, bytes * 2);
  return tookMs > 2 * PIECE_MS ? Math.max(16 * 1024, Math.floor(bytes / 2)) : bytes;
}
