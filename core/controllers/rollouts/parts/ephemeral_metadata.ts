import { ownField } from "../../../lib/own_field.ts";
import { isJsonObject } from "../../../lib/json/json_value.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { TemplateMetadata } from "../../../resources/argoproj/mod.ts";
import { isActive } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { update, type Write } from "../../runtime/controller.ts";
import { canonicalJson } from "../../runtime/hashes.ts";
import type { Pass } from "../situation/pass.ts";
import { hashOf } from "../situation/sets.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";

/** On a ReplicaSet: the metadata that were put into its template, as JSON. */
const INJECTED = "rollout.argoproj.io/ephemeral-metadata";

type Words = Record<string, string>;

/**
 * The set with these labels and annotations for its pods instead of those that it had; the same set when nothing changes.
 * What was injected stands in an annotation, so that nothing else is ever taken away.
 *
 * Argo Rollouts: `SyncReplicaSetEphemeralPodMetadata` in `utils/replicaset/canary.go`.
 */
export function withEphemeralMetadata(
  set: ReplicaSet,
  metadata: TemplateMetadata | undefined,
): ReplicaSet {
  const { template } = set.spec;
  const next = withMetadata(template.metadata ?? {}, injectedIn(set), metadata);
  if (next === undefined) return set;
  const { [INJECTED]: _, ...annotations } = set.metadata.annotations ?? {};
  return {
    ...set,
    metadata: {
      ...set.metadata,
      annotations: { ...annotations, ...(metadata && { [INJECTED]: textOf(metadata) }) },
    },
    spec: { ...set.spec, template: { ...template, metadata: next } },
  };
}

/** As Go writes it: without what is empty, keys in order. */
function textOf({ labels = {}, annotations = {} }: TemplateMetadata): string {
  const parts = { labels, annotations };
  const set = Object.entries(parts).filter(([, words]) => Object.keys(words).length > 0);
  return `{${set.map(([name, words]) => `"${name}":${canonicalJson(words)}`).join(",")}}`;
}

/** What was injected into a set; nothing where that cannot be read. */
function injectedIn({ metadata }: ReplicaSet): TemplateMetadata {
  const text = metadata.annotations?.[INJECTED];
  if (text === undefined) return {};
  try {
    const known = JSON.parse(text);
    return isJsonObject(known) ? known : {};
  } catch {
    return {}; // whoever has changed it keeps what is there
  }
}

/** The metadata with what is wanted and without what was wanted before; `undefined` when they stay as they are. */
function withMetadata<M extends TemplateMetadata>(
  metadata: M,
  former: TemplateMetadata,
  wanted: TemplateMetadata = {},
): M | undefined {
  const labels = withWords(metadata.labels, former.labels, wanted.labels);
  const annotations = withWords(metadata.annotations, former.annotations, wanted.annotations);
  if (!labels && !annotations) return undefined;
  return { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) };
}

function withWords(words: Words = {}, former: Words = {}, wanted: Words = {}): Words | undefined {
  const isOutdated = (key: string) => Object.hasOwn(former, key) && !Object.hasOwn(wanted, key);
  const isSame = Object.entries(wanted).every(([key, value]) => ownField(words, key) === value) &&
    !Object.keys(words).some(isOutdated);
  if (isSame) return undefined;
  const kept = Object.entries(words).filter(([key]) => !isOutdated(key));
  return { ...Object.fromEntries(kept), ...wanted };
}

/** Metadata of the strategy: for pods that are new, and for those that users rely on. */
function metadataOf({ spec: { strategy } }: ResolvedRollout): {
  fresh: TemplateMetadata | undefined;
  stable: TemplateMetadata | undefined;
} {
  const { canary, blueGreen } = strategy;
  return canary
    ? { fresh: canary.canaryMetadata, stable: canary.stableMetadata }
    : { fresh: blueGreen?.previewMetadata, stable: blueGreen?.activeMetadata };
}

/** What the pods of a new set get: those of the first one are what users rely on. */
export function metadataOfNewSet(
  rollout: ResolvedRollout,
  hasStable: boolean,
): TemplateMetadata | undefined {
  const { fresh, stable } = metadataOf(rollout);
  return hasStable ? fresh : stable;
}

/**
 * Gives each set, and the pods that it has, the labels and annotations of its part; none are restarted by that.
 * Argo Rollouts: `rollout/ephemeralmetadata.go`.
 */
export function syncEphemeralMetadata(situation: Situation, pass: Pass): void {
  const { rollout, current, stable, others } = situation;
  const { fresh, stable: settled } = metadataOf(rollout);
  const { stableRS = "" } = rollout.status;
  const isSettled = stableRS === "" || stableRS === hashOf(current);
  syncSet(situation, pass, current, isSettled ? settled : fresh);
  if (stable && !isSettled) syncSet(situation, pass, stable, settled);
  for (const set of others) syncSet(situation, pass, set, undefined);
}

/** Pods come first: when one of them is refused, the set still says what they have. */
function syncSet(
  situation: Situation,
  pass: Pass,
  set: ReplicaSet,
  wanted: TemplateMetadata | undefined,
): void {
  const former = formerOf(situation, set);
  if (former || wanted) pass.write(...podWrites(situation, set, former ?? {}, wanted));
  pass.changeSet(set, (now) => withEphemeralMetadata(now, wanted));
}

/**
 * What pods of the set may have been given before: what the set says, and what the strategy gives pods in other parts;
 * `undefined` when nothing was ever given.
 */
function formerOf({ rollout }: Situation, set: ReplicaSet): TemplateMetadata | undefined {
  const { fresh, stable } = metadataOf(rollout);
  const injected = injectedIn(set);
  const all = [fresh, stable].filter((each) => each !== undefined);
  if (all.length === 0 && Object.keys(injected).length === 0) return undefined;
  const own = withMetadata(set.spec.template.metadata ?? {}, injected) ??
    set.spec.template.metadata;
  const known = [...all, injected];
  return {
    labels: withoutOwn(known.map(({ labels }) => labels), own?.labels),
    annotations: withoutOwn(known.map(({ annotations }) => annotations), own?.annotations),
  };
}

/** What pods have of their template alone is never taken away. */
function withoutOwn(all: readonly (Words | undefined)[], own: Words = {}): Words {
  const words: Words = Object.assign({}, ...all);
  return Object.fromEntries(Object.entries(words).filter(([key]) => !Object.hasOwn(own, key)));
}

function podWrites(
  { view }: Situation,
  set: ReplicaSet,
  former: TemplateMetadata,
  wanted: TemplateMetadata | undefined,
): Write[] {
  const owned: readonly Pod[] = view.by(pods, "owner", set.metadata.uid);
  return owned.filter(isActive).flatMap((pod) => {
    const metadata = withMetadata(pod.metadata, former, wanted);
    return metadata ? [update(pods, { ...pod, metadata })] : [];
  });
}
