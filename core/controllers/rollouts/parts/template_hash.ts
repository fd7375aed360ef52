import type { Rollout } from "../../../resources/argoproj/mod.ts";
import { podTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import { canonicalJson, safeWordOfBytes } from "../../runtime/hashes.ts";
import { goJson } from "./go_json.ts";

/** As much of a template as has a hash. */
interface Template {
  metadata?: {
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  };
  spec: object;
}

const encoder = new TextEncoder();

/**
 * The hash of a template as Argo Rollouts works it out, equal for templates that Go reads as equal: FNV-1a of the JSON of
 * the struct, as letters that spell no words. It is part of names, and tools compare it.
 *
 * Argo Rollouts: `utils/hash/hash.go`, with k8s.io/api 0.29.
 */
export function templateHashOf(template: Template, collisionCount?: number): string {
  const json = encoder.encode(goJson(podTemplate, template));
  if (collisionCount === undefined) return safeWordOfBytes(json);
  const bytes = new Uint8Array(json.length + 8); // a u32 in little-endian, and four zeros
  bytes.set(json);
  new DataView(bytes.buffer).setUint32(json.length, collisionCount, true);
  return safeWordOfBytes(bytes);
}

/** Changes when the steps do; `""` for a Rollout without canary. Compared with itself only. */
export function stepHashOf({ spec: { strategy } }: Rollout): string {
  if (strategy?.blueGreen || !strategy?.canary) return "";
  return safeWordOfBytes(encoder.encode(canonicalJson(strategy.canary.steps ?? null)));
}
