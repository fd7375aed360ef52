import { ownField } from "../../core/lib/own_field.ts";
import { type VolumeFile, writeFilesAtomically } from "./atomic_files.ts";
import { withGroupAccess } from "./group_ownership.ts";
import type { VolumeOf } from "./volume_type.ts";

/** What a pod says of a volume that shows the keys of an object as files. */
export interface KeySource {
  /** Absent: all keys, each as a file of its name. */
  items?: readonly { key: string; path: string; mode?: number }[];
  defaultMode: number;
  optional?: boolean;
}

/** The values of an object's keys as bytes. */
export function bytesOfKeys(
  data: Readonly<Record<string, string>> | undefined,
  decode: (value: string) => Uint8Array,
): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, decode(value)]),
  );
}

/** The files of an object's keys. A key that an item names must be there, unless all is optional. */
export function filesOfKeys(
  data: Readonly<Record<string, Uint8Array>>,
  { items, defaultMode, optional }: KeySource,
  missing: string,
): VolumeFile[] {
  if (!items) {
    return Object.entries(data).map(([path, bytes]) => ({ path, bytes, mode: defaultMode }));
  }
  return items.flatMap(({ key, path, mode = defaultMode }) => {
    const bytes = ownField(data, key);
    if (bytes === undefined && optional) return [];
    if (bytes === undefined) throw new Error(`${missing}: ${key}`);
    return [{ path, bytes, mode }];
  });
}

/** Makes these the files of a volume, all at once. */
export async function writeVolume(
  { pod, folder }: VolumeOf<unknown>,
  files: readonly VolumeFile[],
  nowMs: number,
): Promise<void> {
  await writeFilesAtomically(
    folder,
    withGroupAccess(files, pod.spec.securityContext.fsGroup),
    nowMs,
  );
  await Deno.chmod(folder, 0o755);
}
