import type { Draft, View } from "../../core/client/client.ts";
import { type DaemonSet, daemonSets } from "../../core/resources/apps/daemon_sets.ts";
import { type StatefulSet, statefulSets } from "../../core/resources/apps/stateful_sets.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";

/** Small enough for both sets to fit beside the pods of Deployments and jobs. */
const CPU_REQUEST = "10m";

/** The simulator's StatefulSet `db`, and its DaemonSet `log` on every machine. */
export function setsOf(
  namespace: string,
  { replicas, image }: { replicas: number; image: string },
): { statefulSet: Draft<StatefulSet>; daemonSet: Draft<DaemonSet> } {
  const of = (name: string) => ({
    metadata: { namespace, name },
    spec: { selector: { matchLabels: { app: name } }, template: templateOf(name, image) },
  });
  const { metadata, spec } = of("db");
  return {
    statefulSet: { metadata, spec: { ...spec, replicas } } as Draft<StatefulSet>, // the API fills in the rest
    daemonSet: of("log") as Draft<DaemonSet>, // likewise
  };
}

function templateOf(app: string, image: string): object {
  return {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{ name: "main", image, resources: { requests: { cpu: CPU_REQUEST } } }],
      tolerations: [],
    },
  };
}

/** Pods that hold an ordered update up until somebody deletes them. */
export function stuckPods(view: View, namespace: string): readonly Pod[] {
  return view.list(pods, namespace).filter(({ metadata, spec }) =>
    metadata.labels?.["app"] === "db" && !spec.containers[0]!.image!.startsWith("app:")
  );
}

/** What keeps the sets from being as their specs say. */
export function setProblems(view: View): string[] {
  return [
    ...view.list(statefulSets).flatMap(({ metadata: { name, generation }, spec, status }) => {
      const { replicas, updatedReplicas = 0, availableReplicas } = status;
      const isDone = status.observedGeneration === generation &&
        status.currentRevision === status.updateRevision &&
        [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas);
      return isDone ? [] : [
        `stateful set ${name} wants ${spec.replicas}: ${replicas} are there, ` +
        `${updatedReplicas} updated, ${availableReplicas} available`,
      ];
    }),
    ...view.list(daemonSets).flatMap(({ metadata: { name, generation }, status }) => {
      const { desiredNumberScheduled: wanted, updatedNumberScheduled = 0, numberAvailable = 0 } =
        status;
      const isDone = status.observedGeneration === generation &&
        [status.currentNumberScheduled, updatedNumberScheduled, numberAvailable]
          .every((count) => count === wanted);
      return isDone ? [] : [
        `daemon set ${name} wants ${wanted}: ${updatedNumberScheduled} updated, ${numberAvailable} available`,
      ];
    }),
  ];
}
