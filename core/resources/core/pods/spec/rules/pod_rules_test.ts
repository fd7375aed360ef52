import assert from "node:assert/strict";
import { pods } from "../../pods.ts";
import { made } from "../../../../resource_fixture.ts";

/** What of a pod is wrong when its container or its spec has these fields beside the usual ones. */
function causesOf(container: object, spec: object = {}): string[] {
  const containers = [{ name: "web", image: "nginx:1.27", ...container }];
  return made(pods, { apiVersion: "v1", kind: "Pod", spec: { containers, ...spec } }).causes;
}

const http = { httpGet: { port: 80 } };

const CONTAINER_RULES: Record<string, { given: object; spec?: object; causes: string[] }> = {
  "a name that is no DNS label": {
    given: { name: "Web_1" },
    causes: [
      "spec.containers[0].name: Invalid value: \"Web_1\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  },
  "no image": { given: { image: "" }, causes: ["spec.containers[0].image: Required value"] },
  "an image with a blank": {
    given: { image: " nginx" },
    causes: [
      'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
    ],
  },
  "ports out of range": {
    given: { ports: [{ containerPort: 0 }, { containerPort: 70000, hostPort: -1 }] },
    causes: [
      "spec.containers[0].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive",
      "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      "spec.containers[0].ports[1].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
    ],
  },
  "two ports of one name": {
    given: { ports: [{ containerPort: 1, name: "http" }, { containerPort: 2, name: "http" }] },
    causes: ['spec.containers[0].ports[1].name: Duplicate value: "http"'],
  },
  "one host port twice": {
    given: {
      ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }],
    },
    causes: ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'],
  },
  "a mount without its volume": {
    given: { volumeMounts: [{ name: "data", mountPath: "/data" }] },
    causes: ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  },
  "two mounts at one path": {
    given: { volumeMounts: [{ name: "a", mountPath: "/x" }, { name: "a", mountPath: "/x" }] },
    spec: { volumes: [{ name: "a" }] },
    causes: ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique'],
  },
  "a sub path that climbs": {
    given: { volumeMounts: [{ name: "a", mountPath: "/x", subPath: "../y" }] },
    spec: { volumes: [{ name: "a" }] },
    causes: [
      "spec.containers[0].volumeMounts[0].subPath: Invalid value: \"../y\": must not contain '..'",
    ],
  },
  "env with a value and a source": {
    given: {
      env: [{ name: "A", value: "b", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    },
    causes: [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
  },
  "env with an empty source": {
    given: { env: [{ name: "A", valueFrom: {} }] },
    causes: [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    ],
  },
  "env of a field of another version": {
    given: {
      env: [{
        name: "A",
        valueFrom: { fieldRef: { apiVersion: "v2", fieldPath: "metadata.name" } },
      }],
    },
    causes: [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2',
    ],
  },
  "env of a field that is none": {
    given: { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.color" } } }] },
    causes: [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.color": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  },
  "env from nothing": {
    given: { envFrom: [{ prefix: "A" }] },
    causes: [
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ],
  },
  "a probe without a question": {
    given: { readinessProbe: { periodSeconds: 5 } },
    causes: ["spec.containers[0].readinessProbe: Required value: must specify a handler type"],
  },
  "a probe with two questions": {
    given: { readinessProbe: { ...http, tcpSocket: { port: 80 } } },
    causes: [
      "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ],
  },
  "a probe that must be good twice to go on living": {
    given: { livenessProbe: { ...http, successThreshold: 2 } },
    causes: ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
  },
  "a probe of a port that has no good name": {
    given: { livenessProbe: { httpGet: { port: "a--b" } } },
    causes: [
      'spec.containers[0].livenessProbe.httpGet.port: Invalid value: "a--b": must not contain consecutive hyphens',
    ],
  },
  "a probe in negative time": {
    given: { startupProbe: { exec: { command: ["true"] }, periodSeconds: -1 } },
    causes: [
      "spec.containers[0].startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
    ],
  },
  "requests beyond the limits": {
    given: { resources: { limits: { cpu: "1" }, requests: { cpu: "1500m" } } },
    causes: [
      'spec.containers[0].resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit of 1',
    ],
  },
  "a negative amount": {
    given: { resources: { limits: { memory: "-1" } } },
    causes: [
      'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  "privileged without more privileges": {
    given: { securityContext: { privileged: true, allowPrivilegeEscalation: false } },
    causes: [
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  },
};

for (const [name, { given, spec, causes }] of Object.entries(CONTAINER_RULES)) {
  Deno.test(`a container is refused for ${name}`, () => {
    assert.deepEqual(causesOf(given, spec), causes);
  });
}

const SPEC_RULES: Record<string, { given: object; causes: string[] }> = {
  "no containers": { given: { containers: [] }, causes: ["spec.containers: Required value"] },
  "two containers of one name": {
    given: { containers: [{ name: "a", image: "x" }, { name: "a", image: "y" }] },
    causes: ['spec.containers[1].name: Duplicate value: "a"'],
  },
  "a volume of two sources": {
    given: { volumes: [{ name: "a", emptyDir: {}, hostPath: { path: "/x" } }] },
    causes: ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
  },
  "a volume of a ConfigMap without a name": {
    given: { volumes: [{ name: "a", configMap: {} }] },
    causes: ["spec.volumes[0].configMap.name: Required value"],
  },
  "files with a mode that is none": {
    given: { volumes: [{ name: "a", secret: { secretName: "b", defaultMode: 777 } }] },
    causes: [
      "spec.volumes[0].secret.defaultMode: Invalid value: 777: must be a number between 0 and 0777 (octal), both inclusive",
    ],
  },
  "a toleration without a key": {
    given: { tolerations: [{ operator: "Equal", value: "a" }] },
    causes: [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  },
  "seconds for a toleration of another effect": {
    given: { tolerations: [{ operator: "Exists", tolerationSeconds: 3 }] },
    causes: [
      "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ],
  },
  "a deadline of nothing": {
    given: { activeDeadlineSeconds: 0 },
    causes: [
      "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
    ],
  },
  "a word that is none": {
    given: { restartPolicy: "Sometimes" },
    causes: [
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
  },
  "the same host port twice in an init container": {
    given: {
      initContainers: [
        { name: "a", image: "a" },
        {
          name: "b",
          image: "b",
          ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }],
        },
      ],
    },
    causes: ['spec.initContainers[1].ports[1].hostPort: Duplicate value: "TCP//80"'],
  },
  "name servers left out where they are all there is": {
    given: { dnsPolicy: "None" },
    causes: ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
  },
};

for (const [name, { given, causes }] of Object.entries(SPEC_RULES)) {
  Deno.test(`a pod is refused for ${name}`, () => {
    assert.deepEqual(causesOf({}, given), causes);
  });
}

Deno.test("all causes are named at once", () => {
  const causes = causesOf({
    name: "A",
    ports: [{ containerPort: 0 }],
    env: [{ name: "B", valueFrom: {} }],
  }, {
    restartPolicy: "Sometimes",
    volumes: [{ name: "a", secret: {} }],
  });
  assert.deepEqual(causes.map((cause) => cause.split(":")[0]), [
    "spec.restartPolicy",
    "spec.volumes[0].secret.secretName",
    "spec.containers[0].name",
    "spec.containers[0].ports[0].containerPort",
    "spec.containers[0].env[0].valueFrom",
  ]);
});

const real = {
  containers: [{ name: "web", image: "nginx:1.27", resources: { requests: { cpu: "100m" } } }],
  tolerations: [{ key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 3 }],
  activeDeadlineSeconds: 60,
};

function causesOfChange(change: object): string[] {
  const { object: previous } = made(pods, { apiVersion: "v1", kind: "Pod", spec: real });
  return made(pods, { ...previous, spec: { ...previous.spec, ...change } }, previous).causes;
}

Deno.test("image, deadline and tolerations of a pod may change", () => {
  const [container] = real.containers;
  assert.deepEqual(
    causesOfChange({
      containers: [{ ...container, image: "nginx:1.28", imagePullPolicy: "IfNotPresent" }],
      tolerations: [{ ...real.tolerations[0], tolerationSeconds: 9 }, { operator: "Exists" }],
      activeDeadlineSeconds: 30,
    }),
    [],
  );
});

for (
  const [name, change, cause] of [
    [
      "its command",
      { containers: [{ ...real.containers[0], command: ["sh"] }] },
      "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ],
    [
      "the number of its containers",
      { containers: [...real.containers, { name: "b", image: "x" }] },
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    ],
    [
      "a toleration away",
      { tolerations: [] },
      "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ],
    [
      "its deadline to a later one",
      { activeDeadlineSeconds: 61 },
      "spec.activeDeadlineSeconds: Invalid value: 61: must be less than or equal to previous value",
    ],
    ["its node", { nodeName: "n2" }, "spec: Forbidden: pod updates may not change fields"],
  ] as const
) {
  Deno.test(`an update of a pod may not change ${name}`, () => {
    const causes = causesOfChange(change);
    assert.equal(causes.length, 1, causes.join("\n"));
    assert.ok(causes.every((each) => each.startsWith(cause)), causes.join("\n"));
  });
}
