import { invalid } from "../../schema/causes.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { type Condition, condition, conditionOf } from "../conditions.ts";
import { betaVersion } from "./versions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { fallback, listMap, object, present, required, string } from "../../schema/schema.ts";

/** What a new object of the Gateway API says of itself before its controller has seen it. */
export const pendingCondition = (type: string): Condition => ({
  type,
  status: "Unknown",
  reason: "Pending",
  message: "Waiting for controller",
  lastTransitionTime: "1970-01-01T00:00:00Z",
});

const gatewayClass = object("A kind of gateway, and who makes it.", {
  spec: required(object("What the class is.", {
    controllerName: required(
      string("Who makes gateways of this class, such as `example.com/gateway`.", {
        pattern:
          "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
        maxLength: 253,
      }),
    ),
    parametersRef: object("An object with settings for the controller.", {
      group: required(string("Group of the object.")),
      kind: required(string("Kind of the object.")),
      name: required(string("Name of the object.")),
      namespace: string("Namespace of the object, if its kind has namespaces."),
    }),
    description: string("What the class is good for.", { maxLength: 64 }),
  })),
  status: present(object("How the class is.", {
    conditions: fallback(
      [pendingCondition("Accepted")],
      listMap("Aspects of its state.", ["type"], condition, { maxItems: 8 }),
    ),
    supportedFeatures: listMap(
      "What gateways of this class can do.",
      ["name"],
      object("A feature.", { name: required(string("Name of the feature.")) }),
      { maxItems: 64 },
    ),
  })),
});

/** https://gateway-api.sigs.k8s.io/api-types/gatewayclass/ */
export const gatewayClasses = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "GatewayClass",
  plural: "gatewayclasses",
  shortNames: ["gc"],
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: false,
  schema: gatewayClass,
  servedVersions: [betaVersion(gatewayClass)],
  columns: [
    nameColumn,
    {
      name: "Controller",
      description: "Who makes gateways of this class.",
      value: ({ spec }) => spec.controllerName,
    },
    {
      name: "Accepted",
      description: "Whether the controller has taken it.",
      value: ({ status }) => conditionOf(status.conditions, "Accepted")?.status,
    },
    ageColumn,
    {
      name: "Description",
      description: "What the class is good for.",
      priority: 1,
      value: ({ spec }) => spec.description,
    },
  ],
  validate: (next, previous) =>
    previous && next.spec.controllerName !== previous.spec.controllerName
      ? [invalid("spec.controllerName", next.spec.controllerName, "Value is immutable")]
      : [],
});

export type GatewayClass = ObjectOf<typeof gatewayClasses>;
