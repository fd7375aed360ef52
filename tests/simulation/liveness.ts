import { relatedTo } from "../../core/api/access/nodes/node_relations.ts";
import { trimmedNode } from "../../core/api/watch/feed/trimmed_node.ts";
import type { View } from "../../core/client/client.ts";
import { keyOf } from "../../core/client/feed/digests.ts";
import { ownField } from "../../core/lib/own_field.ts";
import { daemonSets } from "../../core/resources/apps/daemon_sets.ts";
import { type Deployment, deployments } from "../../core/resources/apps/deployments.ts";
import { rollouts } from "../../core/resources/argoproj/mod.ts";
import { jobs } from "../../core/resources/batch/jobs.ts";
import { namespaces } from "../../core/resources/core/namespaces.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { type ReplicaSet, replicaSets } from "../../core/resources/apps/replica_sets.ts";
import { statefulSets } from "../../core/resources/apps/stateful_sets.ts";
import type { AnyResource, KubeObject } from "../../core/resources/resource.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import { type SimulatedMachine, sourcesOf } from "./machine.ts";
import { analysisProblems } from "./analysis_counts.ts";
import { jobProblems } from "./job_counts.ts";
import { rolloutProblems } from "./rollouts.ts";
import { setProblems } from "./sets.ts";

/** Kinds that own pods. */
const OWNERS = [replicaSets, statefulSets, daemonSets, jobs];

export interface LivenessInput {
  view: View;
  machines: readonly SimulatedMachine[];
  table: RouteTable | undefined;
}

/** What is not yet as it must be in a settled cluster. Empty when all is well. */
export function problemsOf({ view, machines, table }: LivenessInput): string[] {
  const all = view.list(pods);
  const machinesByName = new Map(machines.map((machine) => [machine.name, machine]));
  return [
    ...machines.flatMap(({ name }) => nodeProblem(view, name)),
    ...view.list(namespaces).filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => `namespace ${metadata.name} is not gone`),
    ...[deployments, replicaSets, pods].flatMap((kind) =>
      view.list<KubeObject>(kind as never).filter(({ metadata }) =>
        view.get(namespaces, { name: metadata.namespace! }) === undefined
      )
    ).map(({ kind, metadata }) => `${kind} ${metadata.name} is in no namespace`),
    ...view.list(deployments).flatMap(deploymentProblem),
    ...view.list(replicaSets).flatMap((replicaSet) => replicaSetProblem(replicaSet, view)),
    ...setProblems(view),
    ...rolloutProblems(view),
    ...jobProblems(view),
    ...analysisProblems(view),
    ...all.flatMap((pod) => podProblem(pod, view, machinesByName)),
    ...machines.flatMap((machine) => leftovers(machine, all)),
    ...machines.flatMap((machine) => staleCopies(machine, view)),
    ...routeProblems(all, table),
  ];
}

function nodeProblem(view: View, name: string): string[] {
  const node = view.get(nodes, { name });
  if (node === undefined) return [`node ${name} is not there`];
  const ready = node.status.conditions?.find(({ type }) => type === "Ready");
  const taints = node.spec.taints ?? [];
  if (ready?.status !== "True") return [`node ${name} is not ready: ${ready?.message}`];
  return taints.map(({ key }) => `node ${name} has the taint ${key}`);
}

function deploymentProblem({ metadata, spec, status }: Deployment): string[] {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const isDone = metadata.deletionTimestamp === undefined &&
    status.observedGeneration === metadata.generation &&
    [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas);
  return isDone ? [] : [
    `deployment ${metadata.name} wants ${spec.replicas}: ${replicas} are there, ` +
    `${updatedReplicas} updated, ${availableReplicas} available`,
  ];
}

function replicaSetProblem(replicaSet: ReplicaSet, view: View): string[] {
  const { metadata: { uid, name, deletionTimestamp, ownerReferences = [] }, spec } = replicaSet;
  const active = view.by(pods, "owner", uid).filter(({ status }) => !isFinished({ status }));
  if (deletionTimestamp !== undefined) return [`replica set ${name} is not gone`];
  const owner = ownerReferences.find(({ controller }) => controller);
  const all: readonly KubeObject[] = [...view.list(deployments), ...view.list(rollouts)];
  if (owner !== undefined && !all.some(({ metadata }) => metadata.uid === owner.uid)) {
    return [`replica set ${name} has lost its ${owner.kind}`];
  }
  return active.length === spec.replicas
    ? []
    : [`replica set ${name} wants ${spec.replicas} pods and has ${active.length}`];
}

function podProblem(
  pod: Pod,
  view: View,
  machines: ReadonlyMap<string, SimulatedMachine>,
): string[] {
  const { metadata: { name, uid, deletionTimestamp, ownerReferences = [] }, spec, status } = pod;
  if (deletionTimestamp !== undefined) return [`pod ${name} is not gone`];
  const owner = ownerReferences.find(({ controller }) => controller);
  const isOwned = OWNERS.some((kind) =>
    view.list<KubeObject>(kind as never).some(({ metadata }) => metadata.uid === owner?.uid)
  );
  if (owner !== undefined && !isOwned) return [`pod ${name} has lost its ${owner.kind}`];
  if (isFinished(pod)) return [];
  const isReady = status.conditions?.some((each) =>
    each.type === "Ready" && each.status === "True"
  );
  if (!isReady) return [`pod ${name} on ${spec.nodeName} is not ready: ${status.phase}`];
  const running =
    machines.get(spec.nodeName!)?.runtime.containers.filter(({ podUid, state }) =>
      podUid === uid && state === "running"
    ) ?? [];
  return running.length === spec.containers.length ? [] : [`pod ${name} does not run`];
}

function leftovers({ name, runtime, state }: SimulatedMachine, all: readonly Pod[]): string[] {
  const here = new Set(
    all.filter(({ spec }) => spec.nodeName === name).map(({ metadata }) => metadata.uid),
  );
  const live = new Set(
    all.filter((pod) => !isFinished(pod)).map(({ metadata }) => metadata.uid),
  );
  return [
    ...runtime.containers.filter(({ podUid }) => !here.has(podUid))
      .map(({ id }) => `container ${id} is left over on ${name}`),
    ...[...state.addresses.keys()].filter((uid) => !live.has(uid) || !here.has(uid))
      .map((uid) => `the network of ${uid} is left over on ${name}`),
    ...[...state.folders].filter((uid) => !here.has(uid))
      .map((uid) => `the folder of ${uid} is left over on ${name}`),
  ];
}

/** An agent's mirror must equal the API's objects, except for leases, which change all the time. */
function staleCopies({ name, mirror }: SimulatedMachine, view: View): string[] {
  if (mirror === undefined) return [`no agent runs on ${name}`];
  return sourcesOf(name).filter(({ namespace }) => namespace === undefined)
    .filter(({ resource }) => {
      const wanted = followedBy(name, resource, view);
      return versionsOf(wanted) !== versionsOf(mirror.list<KubeObject>(resource as never));
    }).map(({ resource }) => `the agent on ${name} has an old copy of ${resource.plural}`);
}

/** What a node is shown of a kind. */
function followedBy(name: string, resource: AnyResource, view: View): readonly KubeObject[] {
  const all = view.list<KubeObject>(resource);
  const related = ownField(relatedTo(name, view), resource.plural);
  if (related) return all.filter(({ metadata }) => related.has(keyOf(metadata)));
  if (resource.plural === "pods") {
    return all.filter((pod) => (pod as Pod).spec.nodeName === name);
  }
  return resource.plural !== "nodes"
    ? all
    : all.map((node) => node.metadata.name === name ? node : trimmedNode(node as Node));
}

function versionsOf(objects: readonly { metadata: KubeObject["metadata"] }[]): string {
  return objects.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).join();
}

/** Requests must go to the ready pods of each Service, and to no others. */
function routeProblems(all: readonly Pod[], table: RouteTable | undefined): string[] {
  if (table === undefined) return ["there is no route table"];
  return table.backends.flatMap(({ name, endpoints }) => {
    const service = name.slice(name.indexOf("/") + 1, name.indexOf(":"));
    const app = service.replace(/-(active|preview)$/, "");
    const namespace = name.slice(0, name.indexOf("/"));
    if (service === "kubernetes") return [];
    const wanted = all.filter(({ metadata, status }) =>
      metadata.namespace === namespace && metadata.labels?.["app"] === app &&
      !isFinished({ status }) &&
      status.conditions?.some((each) => each.type === "Ready" && each.status === "True")
    ).map(({ metadata, status }) => `${metadata.uid} ${status.podIP}`).sort();
    const found = endpoints.map(({ podUid, address }) => `${podUid} ${address}`).sort();
    return found.join() === wanted.join()
      ? []
      : [`requests for ${name} go to [${found}], not to [${wanted}]`];
  });
}

function isFinished({ status }: Pick<Pod, "status">): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed";
}
