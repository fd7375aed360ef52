import type { Draft, View } from "../../client/client.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { Container } from "../../resources/core/pods/spec/containers.ts";
import { withEachContainer } from "../../resources/core/pods/spec/pod_containers.ts";
import type { PodSpec } from "../../resources/core/pods/spec/pod_spec.ts";
import { suffixOf } from "../runtime/hashes.ts";
import { controllerReference } from "../runtime/ownership.ts";
import {
  COMPLETION_INDEX,
  failuresBefore,
  INDEX_FAILURES,
  INDEX_IGNORED_FAILURES,
  TRACKING_FINALIZER,
} from "./job_pods.ts";
import { failureVerdict } from "./pod_failure_policy.ts";

/** Kubernetes: `maxGeneratedNameLength`. */
const NAME_PREFIX_CHARS_MAX = 58;
const INDEX_VARIABLE = "JOB_COMPLETION_INDEX";

/**
 * A pod for each place, which is an index or none. Names are derived from the state that led here, so that a repeated
 * plan collides with itself, and never name a pod that is still there. `replaced`: failed pods, by their index.
 */
export function podDrafts(
  job: Job,
  places: readonly (number | undefined)[],
  { view, replaced }: { view: View; replaced: ReadonlyMap<number, Pod> },
): Draft<Pod>[] {
  const taken = new Set<string>();
  return places.map((index) => {
    const prefix = namePrefix(job, index);
    const name = freeName(job, prefix, taken, view);
    taken.add(name);
    return draftOf(job, { name, generateName: prefix, index, last: replaced.get(index ?? -1) });
  });
}

function namePrefix({ metadata: { name } }: Job, index: number | undefined): string {
  const end = index === undefined ? "-" : `-${index}-`;
  return `${name}${end}`.length > NAME_PREFIX_CHARS_MAX
    ? name.slice(0, NAME_PREFIX_CHARS_MAX - end.length) + end
    : name + end;
}

function freeName(
  { metadata: { namespace, uid, resourceVersion } }: Job,
  prefix: string,
  taken: ReadonlySet<string>,
  view: View,
): string {
  for (let slot = taken.size;; slot++) {
    const name = `${prefix}${suffixOf(`${uid} ${resourceVersion} ${slot}`)}`;
    if (!taken.has(name) && view.get(pods, { namespace, name }) === undefined) return name;
  }
}

interface Place {
  name: string;
  generateName: string;
  index: number | undefined;
  last: Pod | undefined;
}

function draftOf(job: Job, { name, generateName, index, last }: Place): Draft<Pod> {
  const { metadata, spec } = job.spec.template;
  const { labels, annotations, finalizers = [] } = metadata ?? {};
  const own = index === undefined ? {} : { [COMPLETION_INDEX]: String(index) };
  const allLabels = { ...labels, ...own };
  const allAnnotations = {
    ...annotations,
    ...own,
    ...(job.spec.backoffLimitPerIndex !== undefined && failureAnnotations(job, last)),
  };
  return {
    metadata: {
      name,
      generateName,
      namespace: job.metadata.namespace,
      ...(Object.keys(allLabels).length > 0 && { labels: allLabels }),
      ...(Object.keys(allAnnotations).length > 0 && { annotations: allAnnotations }),
      finalizers: [...new Set([...finalizers, TRACKING_FINALIZER])],
      ownerReferences: [controllerReference(jobs, job)],
    },
    spec: index === undefined ? spec : indexedSpec(job, spec, index),
  };
}

/** The numbers of failures of an index go on from the pod that is replaced. */
function failureAnnotations(job: Job, last: Pod | undefined): Record<string, string> {
  const before = last === undefined ? { counted: 0, ignored: 0 } : failuresBefore(last);
  const isCounted = last !== undefined && failureVerdict(last, job).isCounted;
  const counted = before.counted + Number(isCounted);
  const ignored = before.ignored + Number(last !== undefined && !isCounted);
  return {
    [INDEX_FAILURES]: String(counted),
    ...(ignored > 0 && { [INDEX_IGNORED_FAILURES]: String(ignored) }),
  };
}

function indexedSpec({ metadata: { name } }: Job, spec: PodSpec, index: number): PodSpec {
  return { ...withEachContainer(spec, withIndexVariable), hostname: `${name}-${index}` };
}

function withIndexVariable(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldRef = { apiVersion: "v1", fieldPath: `metadata.labels['${COMPLETION_INDEX}']` };
  return { ...container, env: [...env, { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
}
