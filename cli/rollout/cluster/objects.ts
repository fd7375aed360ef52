import type { PodSpec } from "../../../core/resources/core/pods/spec/pod_spec.ts";

/** What commands read of objects. A cluster may send more, and of anything but `metadata` less. */

export interface AnyObject {
  apiVersion?: string;
  kind?: string;
  metadata: Metadata;
}

export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  creationTimestamp?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { uid: string; kind?: string; controller?: boolean }[];
  deletionTimestamp?: string;
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: PodSpec;
}

export interface Step {
  setWeight?: number;
  pause?: { duration?: number | string };
  experiment?: object;
  analysis?: object;
  setCanaryScale?: { weight?: number; replicas?: number; matchTrafficWeight?: boolean };
  plugin?: { name?: string };
}

export interface Canary {
  steps?: Step[];
  trafficRouting?: { maxTrafficWeight?: number };
  pingPong?: object;
}

export interface Rollout extends AnyObject {
  spec: {
    replicas?: number;
    paused?: boolean;
    restartAt?: string;
    selector?: {
      matchLabels?: Record<string, string>;
      matchExpressions?: { key: string; operator: string; values?: string[] }[];
    };
    template?: PodTemplate;
    workloadRef?: { apiVersion?: string; kind?: string; name?: string };
    strategy?: { canary?: Canary; blueGreen?: object };
  };
  status?: RolloutStatus;
}

export interface RolloutStatus {
  observedGeneration?: string;
  workloadObservedGeneration?: string;
  phase?: string;
  message?: string;
  currentPodHash?: string;
  stableRS?: string;
  currentStepIndex?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  pauseConditions?: { reason?: string }[];
  controllerPause?: boolean;
  abort?: boolean;
  restartedAt?: string;
  canary?: {
    weights?: { canary?: { weight?: number }; stable?: { weight?: number }; verified?: boolean };
    currentStepAnalysisRunStatus?: { status?: string };
    stablePingPong?: string;
  };
  blueGreen?: { activeSelector?: string; previewSelector?: string };
}

export interface ReplicaSet extends AnyObject {
  spec: { replicas?: number; template?: PodTemplate };
  status?: {
    replicas?: number;
    availableReplicas?: number;
    observedGeneration?: number;
    conditions?: { type: string; status: string }[];
  };
}

/** A template that a StatefulSet or a DaemonSet has, or has had. */
export interface ControllerRevision extends AnyObject {
  revision?: number;
  data?: { spec?: { template?: PodTemplate } };
}

export interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: {
    waiting?: { reason?: string };
    running?: object;
    terminated?: { exitCode?: number; signal?: number; reason?: string };
  };
}

export interface Pod extends AnyObject {
  spec?: PodSpec;
  status?: {
    phase?: string;
    reason?: string;
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface AnalysisRun extends AnyObject {
  spec?: { metrics?: { name: string; successCondition?: string }[] };
  status?: {
    phase?: string;
    message?: string;
    metricResults?: MetricResult[];
  };
}

export interface MetricResult {
  name: string;
  successful?: number;
  failed?: number;
  inconclusive?: number;
  error?: number;
  measurements?: {
    phase?: string;
    value?: string;
    startedAt?: string;
    metadata?: Record<string, string>;
  }[];
}

export interface Experiment extends AnyObject {
  spec?: { duration?: string };
  status?: { phase?: string; message?: string; availableAt?: string };
}

/** A template of an analysis, of a namespace or of the cluster. */
export interface AnalysisTemplate extends AnyObject {
  spec?: { args?: AnalysisArgument[]; [field: string]: unknown };
}

export interface AnalysisArgument {
  name: string;
  value?: string;
  valueFrom?: object;
}

/** A workload that a rollout refers to. */
export interface Workload extends AnyObject {
  spec?: { template?: PodTemplate };
  template?: PodTemplate;
}
