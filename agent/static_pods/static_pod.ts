import { createHash } from "node:crypto";
import { ManifestError, parseManifests } from "../../core/manifest/manifest.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { validateMetadata } from "../../core/schema/metadata_rules.ts";
import { check } from "../../core/schema/check.ts";
import {
  CONFIG_HASH,
  CONFIG_SEEN,
  CONFIG_SOURCE,
} from "../../core/resources/core/pods/static_pods.ts";

/** A file is no static pod. The message says why, without the file's name. */
export class StaticPodError extends Error {
  override name = "StaticPodError";
}

export interface StaticPodSource {
  text: Uint8Array;
  /** Of the file: the same pod in another file is another pod. */
  path: string;
  nodeName: string;
  nowMs: number;
}

const LIMITS = { bytesMax: 1024 * 1024, documentsMax: 1 };
const CAUSES_SHOWN = 3;

/**
 * The pod in a file, as the kubelet makes it (`pkg/kubelet/config/common.go`): its name has that of the node at the end,
 * its uid is a hash of what it says and where. The same file gives the same pod. Throws a
 * {@linkcode StaticPodError}. Pure.
 */
export function staticPodOf({ text, path, nodeName, nowMs }: StaticPodSource): Pod {
  const draft = documentIn(text);
  if (draft["apiVersion"] !== "v1" || draft["kind"] !== "Pod") {
    throw new StaticPodError(
      `it is a ${draft["apiVersion"]} ${draft["kind"]}, and must be a v1 Pod`,
    );
  }
  const { metadata: sent, spec: sentSpec } = draft as { metadata?: Sent; spec?: object };
  if (!sent?.name) throw new StaticPodError("invalid pod: name is needed for the pod");
  const hash = createHash("md5").update(JSON.stringify(draft))
    .update(`host:${nodeName}file:${path}`).digest("hex");
  const metadata = {
    namespace: sent.namespace || "default",
    name: `${sent.name}-${nodeName}`,
    uid: hash,
    resourceVersion: "0",
    creationTimestamp: timestamp(nowMs),
    ...(sent.labels && { labels: sent.labels }),
    annotations: { ...sent.annotations, ...marksOf(hash, nowMs) },
  };
  const { value, causes } = check(pods.schema, {
    ...draft,
    metadata,
    spec: { ...sentSpec, nodeName },
  });
  refuse(causes);
  const pod = withToleration(pods.prepare(value as Pod, undefined)); // without causes it is one
  refuse([...validateMetadata(pod.metadata, undefined, pods), ...pods.validate(pod, undefined)]);
  refuseReferences(pod);
  return { ...pod, status: { ...pod.status, phase: "Pending" } };
}

interface Sent {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

function documentIn(text: Uint8Array): Record<string, unknown> {
  try {
    const [manifest] = parseManifests(text, LIMITS);
    if (manifest) return manifest.value;
  } catch (error) {
    if (error instanceof ManifestError) throw new StaticPodError(error.message);
    throw error;
  }
  throw new StaticPodError("it is empty");
}

function marksOf(hash: string, nowMs: number): Record<string, string> {
  return {
    [CONFIG_HASH]: hash,
    [CONFIG_SEEN]: timestamp(nowMs),
    [CONFIG_SOURCE]: "file",
  };
}

/** Whatever is wrong with the node, it is not moved away: nobody could. */
function withToleration(pod: Pod): Pod {
  const tolerations = pod.spec.tolerations ?? [];
  const all = { operator: "Exists", effect: "NoExecute" } as const;
  return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, all] } };
}

function refuse(causes: readonly { field: string; message: string }[]): void {
  if (causes.length === 0) return;
  const shown = causes.slice(0, CAUSES_SHOWN).map(({ field, message }) => `${field}: ${message}`);
  throw new StaticPodError(`invalid pod: ${shown.join(", ")}`);
}

/** The node reads nothing for it from the API, which may be out of reach. */
function refuseReferences({ spec }: Pod): void {
  const text = JSON.stringify(spec);
  const found =
    /"(serviceAccountName|configMap(?:Ref|KeyRef)?|secret(?:Ref|KeyRef)?|persistentVolumeClaim|resourceClaims)":/
      .exec(text)?.[1];
  if (found === undefined || (found === "serviceAccountName" && !spec.serviceAccountName)) return;
  throw new StaticPodError(`static pods may not reference API objects, as its ${found} does`);
}
