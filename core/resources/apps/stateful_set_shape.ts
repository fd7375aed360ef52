import { labelSelector } from "../../schema/label_selector.ts";
import {
  allowingDuplicates,
  count,
  fallback,
  integer,
  intOrString,
  list,
  mergeList,
  object,
  oneOf,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { conditionFields } from "../conditions.ts";
import { wholeClaim } from "../core/pods/spec/claims.ts";
import { podTemplate } from "../core/pods/spec/pod_spec.ts";

const updateStrategy = object("How old pods are replaced by new ones.", {
  type: string("RollingUpdate or OnDelete."),
  rollingUpdate: object("Which pods, and how many at a time.", {
    partition: integer("The ordinal from which on pods are replaced.", { minimum: 0 }),
    maxUnavailable: intOrString("How many may be missing, as a number or in percent."),
  }),
});
export type UpdateStrategy = TypeOf<typeof updateStrategy>;

const retention = oneOf("Whether claims stay or go.", ["Retain", "Delete"]);

export const statefulSetSpec = object("What the StatefulSet should be.", {
  replicas: fallback(1, integer("How many pods there should be.", { minimum: 0 })),
  selector: required(labelSelector),
  template: required(podTemplate),
  volumeClaimTemplates: list("Claims that each pod gets.", wholeClaim),
  serviceName: fallback("", string("Service that names its pods; it must be there before them.")),
  podManagementPolicy: fallback(
    "OrderedReady",
    string("OrderedReady: one pod after the other; Parallel: all at once."),
  ),
  updateStrategy: present(updateStrategy),
  revisionHistoryLimit: fallback(10, integer("How many old revisions are kept.")),
  minReadySeconds: count("Seconds that a pod must be ready before it counts as available.", {
    minimum: 0,
  }),
  persistentVolumeClaimRetentionPolicy: present(object("What becomes of claims without a pod.", {
    whenDeleted: fallback("Retain", retention),
    whenScaled: fallback("Retain", retention),
  })),
  ordinals: object("How its pods are numbered.", {
    start: fallback(0, integer("Number of the first pod.", { minimum: 0 })),
  }),
});
export type StatefulSetSpec = TypeOf<typeof statefulSetSpec>;

const replicas = (description: string) => count(`How many pods ${description}.`, { minimum: 0 });

export const statefulSetStatus = object("How the StatefulSet is.", {
  observedGeneration: count("Generation that the controller has seen.", {
    format: "int64",
    minimum: 0,
  }),
  replicas: fallback(0, integer("How many pods there are.", { minimum: 0 })),
  readyReplicas: replicas("are ready"),
  currentReplicas: replicas("are of the current revision"),
  updatedReplicas: replicas("are of the wanted revision"),
  currentRevision: string("Revision that pods had before the last change."),
  updateRevision: string("Revision that pods should have."),
  collisionCount: integer("How often the hash of a revision had to be made anew.", { minimum: 0 }),
  conditions: allowingDuplicates(
    mergeList(
      "Aspects of its state.",
      ["type"],
      object(
        "One aspect of the state of the StatefulSet.",
        conditionFields("What it is about."),
      ),
    ),
  ),
  availableReplicas: fallback(
    0,
    integer("How many pods have been ready for long enough.", { minimum: 0 }),
  ),
});
export type StatefulSetStatus = TypeOf<typeof statefulSetStatus>;
