import type { JsonObject } from "../lib/json/json_value.ts";

/**
 * What a new object of a built-in kind has before anything is set in it: structs that Kubernetes keeps by value, and fields
 * that it never leaves out. Nobody is the manager of these. Custom resources have nothing.
 *
 * Source: `json.Marshal(new(T))` of the types in k8s.io/api v0.34.4 and others, without their status.
 */
const ZERO_OBJECTS: Readonly<Record<string, JsonObject>> = {
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy": { "spec": {} },
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": { "spec": {} },
  "apiextensions.k8s.io/v1 CustomResourceDefinition": {
    "spec": { "group": "", "names": { "kind": "", "plural": "" }, "scope": "", "versions": null },
  },
  "apiregistration.k8s.io/v1 APIService": {
    "spec": { "groupPriorityMinimum": 0, "versionPriority": 0 },
  },
  "apps/v1 ControllerRevision": { "data": null, "revision": 0 },
  "apps/v1 DaemonSet": {
    "spec": {
      "selector": null,
      "template": { "metadata": {}, "spec": { "containers": null } },
      "updateStrategy": {},
    },
  },
  "apps/v1 Deployment": {
    "spec": {
      "selector": null,
      "strategy": {},
      "template": { "metadata": {}, "spec": { "containers": null } },
    },
  },
  "apps/v1 ReplicaSet": {
    "spec": { "selector": null, "template": { "metadata": {}, "spec": { "containers": null } } },
  },
  "apps/v1 StatefulSet": {
    "spec": {
      "selector": null,
      "serviceName": "",
      "template": { "metadata": {}, "spec": { "containers": null } },
      "updateStrategy": {},
    },
  },
  "autoscaling/v1 HorizontalPodAutoscaler": {
    "spec": { "maxReplicas": 0, "scaleTargetRef": { "kind": "", "name": "" } },
  },
  "autoscaling/v2 HorizontalPodAutoscaler": {
    "spec": { "maxReplicas": 0, "scaleTargetRef": { "kind": "", "name": "" } },
  },
  "batch/v1 CronJob": {
    "spec": {
      "jobTemplate": {
        "metadata": {},
        "spec": { "template": { "metadata": {}, "spec": { "containers": null } } },
      },
      "schedule": "",
    },
  },
  "batch/v1 Job": { "spec": { "template": { "metadata": {}, "spec": { "containers": null } } } },
  "certificates.k8s.io/v1 CertificateSigningRequest": {
    "spec": { "request": null, "signerName": "" },
  },
  "coordination.k8s.io/v1 Lease": { "spec": {} },
  "discovery.k8s.io/v1 EndpointSlice": { "addressType": "", "endpoints": null, "ports": null },
  "events.k8s.io/v1 Event": {
    "deprecatedFirstTimestamp": null,
    "deprecatedLastTimestamp": null,
    "deprecatedSource": {},
    "eventTime": null,
    "regarding": {},
  },
  "flowcontrol.apiserver.k8s.io/v1 FlowSchema": {
    "spec": { "matchingPrecedence": 0, "priorityLevelConfiguration": { "name": "" } },
  },
  "flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration": { "spec": { "type": "" } },
  "networking.k8s.io/v1 IPAddress": { "spec": {} },
  "networking.k8s.io/v1 Ingress": { "spec": {} },
  "networking.k8s.io/v1 IngressClass": { "spec": {} },
  "networking.k8s.io/v1 NetworkPolicy": { "spec": { "podSelector": {} } },
  "networking.k8s.io/v1 ServiceCIDR": { "spec": {} },
  "node.k8s.io/v1 RuntimeClass": { "handler": "" },
  "policy/v1 PodDisruptionBudget": { "spec": {} },
  "rbac.authorization.k8s.io/v1 ClusterRole": { "rules": null },
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": {
    "roleRef": { "apiGroup": "", "kind": "", "name": "" },
  },
  "rbac.authorization.k8s.io/v1 Role": { "rules": null },
  "rbac.authorization.k8s.io/v1 RoleBinding": {
    "roleRef": { "apiGroup": "", "kind": "", "name": "" },
  },
  "scheduling.k8s.io/v1 PriorityClass": { "value": 0 },
  "storage.k8s.io/v1 CSIDriver": { "spec": {} },
  "storage.k8s.io/v1 CSINode": { "spec": { "drivers": null } },
  "storage.k8s.io/v1 CSIStorageCapacity": { "storageClassName": "" },
  "storage.k8s.io/v1 StorageClass": { "provisioner": "" },
  "storage.k8s.io/v1 VolumeAttachment": {
    "spec": { "attacher": "", "nodeName": "", "source": {} },
  },
  "storage.k8s.io/v1 VolumeAttributesClass": { "driverName": "" },
  "v1 Event": {
    "eventTime": null,
    "firstTimestamp": null,
    "involvedObject": {},
    "lastTimestamp": null,
    "reportingComponent": "",
    "reportingInstance": "",
    "source": {},
  },
  "v1 LimitRange": { "spec": { "limits": null } },
  "v1 Namespace": { "spec": {} },
  "v1 Node": { "spec": {} },
  "v1 PersistentVolume": { "spec": {} },
  "v1 PersistentVolumeClaim": { "spec": { "resources": {} } },
  "v1 Pod": { "spec": { "containers": null } },
  "v1 PodTemplate": { "template": { "metadata": {}, "spec": { "containers": null } } },
  "v1 ReplicationController": { "spec": {} },
  "v1 ResourceQuota": { "spec": {} },
  "v1 Service": { "spec": {} },
  "v1 ConfigMap": {},
  "v1 Secret": {},
  "v1 ServiceAccount": {},
  "v1 Endpoints": {},
  "v1 ComponentStatus": {},
  "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration": {},
  "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration": {},
};

/** Whether Kubernetes has the kind built in, rather than as a custom resource. */
export function isBuiltIn(apiVersion: string, kind: string): boolean {
  return Object.hasOwn(ZERO_OBJECTS, `${apiVersion} ${kind}`);
}

/** Kinds whose zero object has values: numbers and texts that are set to just these are nobody's. */
const WITH_VALUES: ReadonlySet<string> = new Set(
  Object.keys(ZERO_OBJECTS).filter((kind) => hasValues(ZERO_OBJECTS[kind])),
);

function hasValues(zero: unknown): boolean {
  if (typeof zero !== "object") return true;
  return zero !== null && Object.values(zero).some(hasValues);
}

/** Whether which fields a new object sets is told by their names alone, whatever their values. */
export function isToldByNames(apiVersion: string, kind: string): boolean {
  return !WITH_VALUES.has(`${apiVersion} ${kind}`);
}

/** With its status, which a new object always has, and metadata. */
export function zeroObjectOf(apiVersion: string, kind: string): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: {},
    ...(isBuiltIn(apiVersion, kind) && { status: {}, ...ZERO_OBJECTS[`${apiVersion} ${kind}`] }),
  };
}
