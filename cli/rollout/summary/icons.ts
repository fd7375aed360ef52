/** The signs of Argo Rollouts' plugin for states and kinds. */
export const ICONS = {
  waiting: "◷",
  progressing: "◌",
  warning: "⚠",
  unknown: "?",
  ok: "✔",
  bad: "✖",
  paused: "॥",
  neutral: "•",
} as const;

export const KIND_ICONS = {
  Rollout: "⟳",
  Revision: "#",
  ReplicaSet: "⧉",
  Pod: "□",
  Job: "⊞",
  Experiment: "Σ",
  AnalysisRun: "α",
} as const;

const NONE = " ";

const OF_ROLLOUTS: Readonly<Record<string, string>> = {
  Progressing: ICONS.progressing,
  Error: ICONS.warning,
  InvalidSpec: ICONS.warning,
  Paused: ICONS.paused,
  Healthy: ICONS.ok,
  Degraded: ICONS.bad,
  Unknown: ICONS.unknown,
  ScaledDown: ICONS.neutral,
};

const OF_REPLICA_SETS: Readonly<Record<string, string>> = {
  Progressing: ICONS.progressing,
  Healthy: ICONS.ok,
  ReplicaFailure: ICONS.bad,
  ScaledDown: ICONS.neutral,
};

const OF_ANALYSES: Readonly<Record<string, string>> = {
  Successful: ICONS.ok,
  Inconclusive: ICONS.unknown,
  Failed: ICONS.bad,
  Error: ICONS.warning,
  Running: ICONS.progressing,
  Pending: ICONS.waiting,
};

const OF_PODS: Readonly<Record<string, string>> = {
  Pending: ICONS.progressing,
  Terminating: ICONS.progressing,
  ContainerCreating: ICONS.progressing,
  Running: ICONS.ok,
  Completed: ICONS.ok,
  Failed: ICONS.bad,
  InvalidImageName: ICONS.bad,
  CrashLoopBackOff: ICONS.bad,
  ImagePullBackOff: ICONS.warning,
  RegistryUnavailable: ICONS.warning,
  Unknown: ICONS.unknown,
};

export function rolloutIcon(phase: string): string {
  return OF_ROLLOUTS[phase] ?? NONE;
}

export function replicaSetIcon(state: string): string {
  return OF_REPLICA_SETS[state] ?? NONE;
}

/** Also of measurements and experiments. */
export function analysisIcon(phase: string): string {
  return OF_ANALYSES[phase] ?? NONE;
}

export function podIcon(state: string): string {
  if (state.startsWith("Init:")) return ICONS.progressing;
  if (/^(Signal|ExitCode):/.test(state)) return ICONS.bad;
  if (state.endsWith("Error") || state.startsWith("Err")) return ICONS.warning;
  return OF_PODS[state] ?? NONE;
}
