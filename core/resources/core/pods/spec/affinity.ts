import { labelSelector } from "../../../../schema/label_selector.ts";
import {
  atomic,
  integer,
  list,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";

const rules = (of: string) =>
  list(
    `Rules for ${of} of the node.`,
    object("A rule.", {
      key: required(string("What is compared.")),
      operator: required(
        oneOf("How it is compared with the values.", [
          "In",
          "NotIn",
          "Exists",
          "DoesNotExist",
          "Gt",
          "Lt",
        ]),
      ),
      values: list("Values; one number for Gt and Lt.", string("Value.")),
    }),
  );

const nodeSelectorTerm = atomic(object("Rules that must all hold.", {
  matchExpressions: rules("labels"),
  matchFields: rules("fields"),
}));

/** https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ */
export const nodeSelector = atomic(object("Nodes for which one of the terms holds.", {
  nodeSelectorTerms: required(list("The terms.", nodeSelectorTerm)),
}));
export type NodeSelector = TypeOf<typeof nodeSelector>;

const weight = required(
  integer("How much it counts.", { minimum: 1, maximum: 100 }),
);

const nodeAffinity = object("Nodes that the pod must or should be on.", {
  requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
  preferredDuringSchedulingIgnoredDuringExecution: list(
    "Terms that count for a node.",
    object("A term and its weight.", { weight, preference: required(nodeSelectorTerm) }),
  ),
});

const podAffinityTerm = object("Pods, and how near is near.", {
  labelSelector,
  namespaces: list("Namespaces of the pods; the own one when absent.", string("Namespace.")),
  topologyKey: required(string("Label whose value says which nodes are near each other.")),
  namespaceSelector: labelSelector,
  matchLabelKeys: list("Labels whose values must be those of this pod.", string("Key.")),
  mismatchLabelKeys: list("Labels whose values must not be those of this pod.", string("Key.")),
});
export type PodAffinityTerm = TypeOf<typeof podAffinityTerm>;

const podTerms = (description: string) =>
  object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: list("Terms that must hold.", podAffinityTerm),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      "Terms that count for a node.",
      object("A term and its weight.", { weight, podAffinityTerm: required(podAffinityTerm) }),
    ),
  });

export const affinity = object("Where the pod must, should or should not be.", {
  nodeAffinity,
  podAffinity: podTerms("Pods that it wants to be near to."),
  podAntiAffinity: podTerms("Pods that it wants to be far from."),
});
export type Affinity = TypeOf<typeof affinity>;
