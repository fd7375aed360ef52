import type { KubeObject } from "../../resources/resource.ts";
import { readJson } from "../../lib/json/json_reader.ts";
import { cloneJson, isJsonObject, type JsonObject, objectIn } from "../../lib/json/json_value.ts";

/** Where kubectl keeps what was applied last, so that its apply and ours go on with each other's work. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
/** All annotations together may take 256 KiB; what would not fit is not kept. */
const LAST_APPLIED_CHARS_MAX = 200 * 1024;

/**
 * The manifest with itself as an annotation, as kubectl writes it. One that is too large for that goes without:
 * then fields that a later manifest leaves out stay.
 */
export function withLastApplied(manifest: JsonObject, namespace: string): JsonObject {
  const metadata = {
    ...objectIn(manifest, "metadata"),
    ...(namespace !== "" && { namespace }),
  };
  const { [LAST_APPLIED]: _, ...annotations } = objectIn(metadata, "annotations");
  const bare = { ...manifest, metadata: { ...metadata, annotations } };
  // As long as when it is sorted, and found in a tenth of the time.
  if (JSON.stringify(bare).length >= LAST_APPLIED_CHARS_MAX) return bare;
  const text = `${JSON.stringify(sorted(cloneJson(bare)))}\n`;
  return {
    ...bare,
    metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: text } },
  };
}

/** What was applied last; nothing when the object was made another way. */
export function appliedBefore({ metadata }: KubeObject): JsonObject {
  try {
    const value: unknown = readJson(metadata.annotations?.[LAST_APPLIED] ?? "{}");
    return isJsonObject(value) ? value : {};
  } catch {
    return {}; // somebody has written over it: as if it had never been applied
  }
}

/** Fields in the order of their names, as Go writes them. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const fields = Object.keys(value).sort().map((field) => [field, sorted(value[field])] as const);
  return Object.fromEntries(fields);
}
