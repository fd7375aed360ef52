import type { FsUsage } from "../../core/usage/node_report.ts";
import type { ListedImage } from "../runtimes/container_runtime.ts";

/** Shares of a disk from 0 to 1: from which on it is cleared, and down to which. */
export interface DiskShares {
  readonly high: number;
  readonly low: number;
}

/** The kubelet's `imageGCHighThresholdPercent` and `imageGCLowThresholdPercent`. */
export const DISK_SHARES: DiskShares = { high: 0.85, low: 0.8 };
/** The kubelet's `imageMinimumGCAge`. */
export const IMAGE_AGE_MS_MIN = 2 * 60_000;

export interface TrackedImage extends ListedImage {
  /** When it was first seen, by the monotonic clock. */
  readonly detectedMs: number;
  /** When a container was last seen to use it. */
  readonly usedMs: number | undefined;
}

/** How many bytes have to go so that a disk is as empty as it should be; 0: none, it is not too full. Pure. */
export function bytesToFree(
  { capacityBytes, availableBytes }: FsUsage,
  { high, low }: DiskShares,
): number {
  if (capacityBytes <= 0) return 0;
  const used = 1 - availableBytes / capacityBytes;
  if (used < high) return 0;
  return Math.max(0, capacityBytes * (1 - low) - availableBytes);
}

/**
 * The images to remove to free so many bytes: those that have been unused for longest first, then those that came
 * first. Pure. https://kubernetes.io/docs/concepts/architecture/garbage-collection/#containers-images
 */
export function imagesToRemove(
  images: readonly TrackedImage[],
  { bytes, elapsedMs, ageMsMin }: { bytes: number; elapsedMs: number; ageMsMin: number },
): TrackedImage[] {
  const unused = images.filter((image) =>
    !image.isUsed && !isMadeHere(image) && elapsedMs - image.detectedMs >= ageMsMin
  ).toSorted((a, b) =>
    (a.usedMs ?? -1) - (b.usedMs ?? -1) || a.detectedMs - b.detectedMs || (a.id < b.id ? -1 : 1)
  );
  let left = bytes;
  return unused.filter(({ sizeBytes }) => {
    if (left <= 0) return false;
    left -= sizeBytes;
    return true;
  });
}

/** No registry has it. */
function isMadeHere({ names }: ListedImage): boolean {
  return names.some((name) => name.startsWith("localhost/"));
}
