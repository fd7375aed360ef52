import { ApiError, isRefusal } from "../../core/client/api_error.ts";
import type { Client, Draft, View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { daemonSets } from "../../core/resources/apps/daemon_sets.ts";
import { type Deployment, deployments } from "../../core/resources/apps/deployments.ts";
import { analysisRuns, rollouts } from "../../core/resources/argoproj/mod.ts";
import { jobs } from "../../core/resources/batch/jobs.ts";
import { namespaces } from "../../core/resources/core/namespaces.ts";
import { AUTONOMY } from "../../core/resources/core/nodes/autonomy.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { replicaSets } from "../../core/resources/apps/replica_sets.ts";
import { statefulSets } from "../../core/resources/apps/stateful_sets.ts";
import type { KubeObject } from "../../core/resources/resource.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { BAD_IMAGES, DEPLOYMENTS, type UserAction } from "./scenario.ts";
import { ANALYSIS, analysisOf } from "./analysis_counts.ts";
import { jobOf } from "./job_counts.ts";
import {
  changeRollout,
  commandRollout,
  type RolloutCommand,
  type RolloutName,
  rolloutOf,
  ROLLOUTS,
  servicesOf,
} from "./rollouts.ts";
import { setsOf, stuckPods } from "./sets.ts";

/** The namespace of everything that users create. */
export const NAMESPACE = "shop";
const DB = { namespace: NAMESPACE, name: "db" };
const AUDIT = { namespace: NAMESPACE, name: ANALYSIS };
const LOG = { namespace: NAMESPACE, name: "log" };
const ROLLOUT_NAMES = Object.keys(ROLLOUTS) as RolloutName[];
const TRIES_MAX = 6;
const RETRY_MS = 700;
/** Pods leave a lost node soon, long before a run ends. */
const TOLERATIONS = ["not-ready", "unreachable"].map((state) => ({
  key: `node.kubernetes.io/${state}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 10,
}));
/** Three pods fill a machine. */
const CPU_REQUEST = "500m";

export interface UsersOptions {
  clock: Clock;
  server: () => (Client & View) | undefined;
  machines: readonly { name: string }[];
  record(text: string): void;
  onAnswer(version: number): void;
  /** A pod is deleted without grace. */
  onForced(podUid: string): void;
}

/** People with kubectl: they retry when the server does not answer, and give up after a while. */
export class Users {
  readonly #options: UsersOptions;

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  /** Resolves when the action is done, refused or given up. */
  async act(action: UserAction): Promise<void> {
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const api = this.#options.server();
      try {
        if (api !== undefined) return await this.#do(action, api);
      } catch (error) {
        const isFinal = error instanceof ApiError && error.code < 500 &&
          error.reason !== "Conflict";
        if (!(error instanceof ApiError)) throw error;
        this.#options.record(`  refused: ${error.message}`);
        if (isFinal) return;
      }
      await this.#options.clock.sleep(RETRY_MS);
    }
  }

  /** Repairs what keeps the cluster from settling: what was left paused, cordoned, broken or without an owner. */
  async tidy(): Promise<void> {
    const api = this.#options.server()!;
    for (const replicaSet of api.list(replicaSets, NAMESPACE).filter(hasNoOwner)) {
      await api.delete(replicaSets, replicaSet.metadata, { propagationPolicy: "Background" });
    }
    for (const pod of api.list(pods, NAMESPACE).filter(hasNoOwner)) {
      if (!isJob(pod)) await api.delete(pods, pod.metadata).catch(ignoreRefusal);
    }
    for (const { metadata } of api.list(deployments, NAMESPACE)) {
      await this.#retryConflicts(() => this.#fix(api, metadata.name));
    }
    const namespace = api.get(namespaces, { name: NAMESPACE });
    if (namespace && namespace.metadata.deletionTimestamp === undefined) await this.#renew(api);
    for (const { name } of this.#options.machines) {
      await this.#retryConflicts(() => this.#cordon(api, name, false));
    }
  }

  /**
   * What became stable while no pods were wanted may be unable to run. An update waits for it then, in Argo Rollouts as
   * here, until somebody promotes the new version.
   */
  async promotePastBroken(): Promise<void> {
    const api = this.#options.server();
    if (api === undefined) return;
    for (const name of ROLLOUT_NAMES) {
      const { stableRS } = api.get(rollouts, { namespace: NAMESPACE, name })?.status ?? {};
      const stable = api.get(replicaSets, { namespace: NAMESPACE, name: `${name}-${stableRS}` });
      const image = stable?.spec.template.spec.containers.at(0)?.image;
      if (image === undefined || !BAD_IMAGES.includes(image)) continue;
      await this.#retryConflicts(() => this.#commandRollout(api, name, "promote full"));
    }
  }

  /** Asks again, whole, for what is there of sets and Rollouts. */
  async #renew(api: Client & View): Promise<void> {
    if (api.get(statefulSets, DB) ?? api.get(daemonSets, LOG)) {
      await this.#retryConflicts(() => this.#applySets(api, { replicas: 2, image: "app:1" }));
      for (const { metadata } of stuckPods(api, NAMESPACE)) {
        await api.delete(pods, metadata).catch(ignoreRefusal);
      }
    }
    for (const name of ROLLOUT_NAMES) {
      if (api.get(rollouts, { namespace: NAMESPACE, name }) === undefined) continue;
      const wanted = { name, replicas: 2, image: "app:1" };
      await this.#retryConflicts(() => this.#applyRollout(api, wanted));
      await this.#retryConflicts(() => this.#commandRollout(api, name, "retry"));
    }
  }

  async #fix(api: Client & View, name: string): Promise<void> {
    const deployment = api.get(deployments, { namespace: NAMESPACE, name });
    if (deployment === undefined) return;
    const { paused: _, ...spec } = withImage(deployment, "app:1").spec;
    await this.#acknowledged(api.update(deployments, { ...deployment, spec }));
  }

  /** Retries on conflicts, and where the server asks for it: others may write at the same time. */
  async #retryConflicts(work: () => Promise<void>): Promise<void> {
    for (let tries = 1;; tries++) {
      try {
        return await work();
      } catch (error) {
        const isWorthwhile = isRefusal(error, "Conflict") || isRefusal(error, "ServiceUnavailable");
        if (!isWorthwhile || tries === TRIES_MAX) throw error;
      }
    }
  }

  #do(action: UserAction, api: Client & View): Promise<void> {
    switch (action.do) {
      case "deploy":
        return this.#deploy(api, action.name, action.replicas);
      case "scale":
      case "set image":
      case "undo":
      case "pause":
      case "resume":
        return this.#change(api, action);
      case "delete deployment":
        return api.delete(deployments, { namespace: NAMESPACE, name: action.name }, {
          propagationPolicy: action.policy,
        });
      case "delete pod":
      case "relabel pod":
        return this.#touchPod(api, action);
      case "apply sets":
        return this.#applySets(api, action);
      case "delete sets":
        return this.#deleteSets(api, action.policy);
      case "apply rollout":
        return this.#applyRollout(api, action);
      case "command rollout":
        return this.#commandRollout(api, action.name, action.command);
      case "delete rollout":
        return api.delete(rollouts, { namespace: NAMESPACE, name: action.name }, {
          propagationPolicy: action.policy,
        });
      case "apply analysis":
        return this.#ensure(api.create(analysisRuns, analysisOf(NAMESPACE, action.image)));
      case "end analysis":
        return this.#endAnalysis(api);
      case "delete analysis":
        return api.delete(analysisRuns, AUDIT, { propagationPolicy: "Background" });
      case "apply job":
        return this.#ensure(api.create(jobs, jobOf(NAMESPACE, action.image)));
      case "delete job":
        return api.delete(jobs, { namespace: NAMESPACE, name: "sum" }, {
          propagationPolicy: action.policy,
        });
      case "run job":
        return this.#runJob(api, action.name, action.image);
      case "cordon":
      case "uncordon":
        return this.#cordon(api, this.#machine(action.machine), action.do === "cordon");
      case "drain":
        return this.#drain(api, this.#machine(action.machine));
      case "set autonomy":
        return this.#setAutonomy(api, this.#machine(action.machine), action.autonomy);
      case "delete node":
        return api.delete(nodes, { name: this.#machine(action.machine) });
      case "delete namespace":
        return api.delete(namespaces, { name: NAMESPACE });
    }
  }

  async #setAutonomy(api: Client & View, name: string, autonomy: string): Promise<void> {
    const node = api.get(nodes, { name });
    if (node === undefined) return;
    const annotations = { ...node.metadata.annotations, [AUTONOMY]: autonomy };
    const metadata = { ...node.metadata, annotations };
    await this.#acknowledged(api.update(nodes, { ...node, metadata }));
  }

  async #deploy(api: Client & View, name: string, replicas: number): Promise<void> {
    await this.#ensure(api.create(namespaces, { metadata: { name: NAMESPACE } }));
    await this.#ensure(api.create(services, {
      metadata: { namespace: NAMESPACE, name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
    }));
    await this.#ensure(api.create(deployments, deploymentOf(name, replicas)));
  }

  async #change(
    api: Client & View,
    action: Extract<UserAction, { do: "scale" | "set image" | "undo" | "pause" | "resume" }>,
  ): Promise<void> {
    const found = api.get(deployments, { namespace: NAMESPACE, name: action.name });
    if (found === undefined) return;
    const spec = changed(found, action, api);
    await this.#acknowledged(api.update(deployments, { ...found, spec }));
  }

  async #touchPod(
    api: Client & View,
    action: Extract<UserAction, { do: "delete pod" | "relabel pod" }>,
  ): Promise<void> {
    const all = api.list(pods, NAMESPACE);
    const pod = all[Math.floor(action.share * all.length)];
    if (pod === undefined) return;
    if (action.do === "delete pod") {
      const { graceSeconds } = action;
      const options = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
      if (graceSeconds === 0) this.#options.onForced(pod.metadata.uid);
      return await api.delete(pods, pod.metadata, options);
    }
    const labels = { ...pod.metadata.labels, app: "lost" };
    const metadata = { ...pod.metadata, labels };
    await this.#acknowledged(api.update(pods, { ...pod, metadata }));
  }

  async #applySets(
    api: Client & View,
    wanted: { replicas: number; image: string },
  ): Promise<void> {
    await this.#ensure(api.create(namespaces, { metadata: { name: NAMESPACE } }));
    const { statefulSet, daemonSet } = setsOf(NAMESPACE, wanted);
    const set = api.get(statefulSets, DB);
    if (set === undefined) await this.#ensure(api.create(statefulSets, statefulSet));
    else {
      const { replicas, template } = statefulSet.spec!;
      const spec = {
        ...set.spec,
        replicas: replicas!,
        template: template as typeof set.spec.template,
      };
      await this.#acknowledged(api.update(statefulSets, { ...set, spec }));
    }
    const daemons = api.get(daemonSets, LOG);
    if (daemons === undefined) await this.#ensure(api.create(daemonSets, daemonSet));
    else {
      const template = daemonSet.spec!.template as typeof daemons.spec.template;
      await this.#acknowledged(
        api.update(daemonSets, { ...daemons, spec: { ...daemons.spec, template } }),
      );
    }
  }

  async #applyRollout(
    api: Client & View,
    wanted: { name: RolloutName; replicas: number; image: string },
  ): Promise<void> {
    await this.#ensure(api.create(namespaces, { metadata: { name: NAMESPACE } }));
    for (const service of servicesOf(NAMESPACE, wanted.name)) {
      await this.#ensure(api.create(services, service));
    }
    const draft = rolloutOf(NAMESPACE, { ...wanted, tolerations: TOLERATIONS });
    const found = api.get(rollouts, { namespace: NAMESPACE, name: wanted.name });
    if (found === undefined) await this.#ensure(api.create(rollouts, draft));
    else await this.#acknowledged(changeRollout(api, found, draft));
  }

  async #endAnalysis(api: Client & View): Promise<void> {
    const run = api.get(analysisRuns, AUDIT);
    if (run === undefined) return;
    const spec = { ...run.spec, terminate: true };
    await this.#acknowledged(api.update(analysisRuns, { ...run, spec }));
  }

  async #commandRollout(
    api: Client & View,
    name: RolloutName,
    command: RolloutCommand,
  ): Promise<void> {
    const found = api.get(rollouts, { namespace: NAMESPACE, name });
    if (found) await this.#acknowledged(commandRollout(api, found, command));
  }

  async #deleteSets(
    api: Client & View,
    propagationPolicy: "Background" | "Foreground" | "Orphan",
  ): Promise<void> {
    await api.delete(statefulSets, DB, { propagationPolicy });
    await api.delete(daemonSets, LOG, { propagationPolicy });
  }

  async #runJob(api: Client & View, name: string, image: string): Promise<void> {
    const resources = { requests: { cpu: "100m" } };
    const restartPolicy = image === "job" ? "OnFailure" as const : "Never" as const;
    await this.#ensure(api.create(pods, {
      metadata: { namespace: NAMESPACE, name },
      spec: {
        restartPolicy,
        initContainers: [
          { name: "init", image: "init" },
          { name: "side", image: "side", restartPolicy: "Always" },
        ],
        containers: [{ name: "main", image, resources }],
      },
    }));
  }

  async #cordon(api: Client & View, name: string, unschedulable: boolean): Promise<void> {
    const node = api.get(nodes, { name });
    if (node === undefined || (node.spec.unschedulable ?? false) === unschedulable) return;
    await this.#acknowledged(
      api.update(nodes, { ...node, spec: { ...node.spec, unschedulable } }),
    );
  }

  async #drain(api: Client & View, name: string): Promise<void> {
    await this.#cordon(api, name, true);
    for (const pod of api.by(pods, "node", name)) {
      await api.delete(pods, pod.metadata).catch(ignoreRefusal);
    }
  }

  #machine(index: number): string {
    return this.#options.machines[index]!.name;
  }

  async #acknowledged(work: Promise<KubeObject>): Promise<void> {
    this.#options.onAnswer(Number((await work).metadata.resourceVersion));
  }

  async #ensure(work: Promise<KubeObject>): Promise<void> {
    try {
      await this.#acknowledged(work);
    } catch (error) {
      if (!isRefusal(error, "AlreadyExists")) throw error;
    }
  }
}

function changed(
  deployment: Deployment,
  action: Extract<UserAction, { do: "scale" | "set image" | "undo" | "pause" | "resume" }>,
  api: View,
): Deployment["spec"] {
  const { spec } = deployment;
  switch (action.do) {
    case "scale":
      return { ...spec, replicas: action.replicas };
    case "set image":
      return withImage(deployment, action.image).spec;
    case "pause":
      return { ...spec, paused: true };
    case "resume": {
      const { paused: _, ...rest } = spec;
      return rest;
    }
    case "undo":
      return { ...spec, template: previousTemplate(deployment, api) };
  }
}

/** As kubectl does: the template of an older ReplicaSet, without its hash. */
function previousTemplate(
  { metadata, spec }: Deployment,
  api: View,
): Deployment["spec"]["template"] {
  const [oldest] = api.by(replicaSets, "owner", metadata.uid);
  if (oldest === undefined) return spec.template;
  const { metadata: made = {}, spec: pod } = oldest.spec.template;
  const { "pod-template-hash": _, ...labels } = made.labels ?? {};
  return { metadata: { ...made, labels }, spec: pod };
}

function withImage(deployment: Deployment, image: string): Deployment {
  const { template } = deployment.spec;
  const containers = template.spec.containers.map((container) => ({ ...container, image }));
  const spec = { ...template.spec, containers };
  return { ...deployment, spec: { ...deployment.spec, template: { ...template, spec } } };
}

function deploymentOf(name: string, replicas: number): Draft<Deployment> {
  const labels = { app: name };
  const container = {
    name: "main",
    image: "app:1",
    ports: [{ containerPort: 8080 }],
    resources: { requests: { cpu: CPU_REQUEST } },
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 2, failureThreshold: 2 },
  };
  return {
    metadata: { namespace: NAMESPACE, name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: DEPLOYMENTS[name]!,
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [container],
          tolerations: TOLERATIONS,
        },
      } as Draft<Deployment>["spec"] extends { template?: infer T } ? T : never,
    },
  } as Draft<Deployment>; // each strategy is one member of the union
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
}

function hasNoOwner({ metadata: { ownerReferences = [] } }: KubeObject): boolean {
  return ownerReferences.length === 0;
}

/** Whether the pod ends by itself. */
function isJob({ metadata: { name } }: Pod): boolean {
  return name.startsWith("job-");
}
