import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from "./default_roles.ts";
import type { PolicyRule } from "./policy_rules.ts";

/**
 * `ROLE COUNT DIGEST`: how many single rights (verb, resource with subresource, name) Kubernetes 1.34 gives by default,
 * and a digest of all of them in order, computed from its own bootstrap policy.
 */
const MATRIX = `
admin 0 e3b0c44298fc
cluster-admin 2 d59e12b69f4b
edit 0 e3b0c44298fc
system:aggregate-to-admin 17 7a1e99698688
system:aggregate-to-edit 224 edf094799b6e
system:aggregate-to-view 177 9dda5b65225b
system:auth-delegator 2 1fc0c5f76e9a
system:basic-user 3 b05ff602d88e
system:certificates.k8s.io:certificatesigningrequests:nodeclient 1 3cf1c9b875dc
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient 1 ed29d6fe8af4
system:certificates.k8s.io:kube-apiserver-client-approver 1 de1b06a943f5
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver 1 39e24ff9254b
system:certificates.k8s.io:kubelet-serving-approver 1 861c5eec74d3
system:certificates.k8s.io:legacy-unknown-approver 1 981d5d5b4a81
system:discovery 11 321859d07589
system:heapster 15 047cfc4890ce
system:kube-aggregator 6 fbccde36baf6
system:kube-controller-manager 23 fc4e3f0de7c1
system:kube-dns 4 b10dd7df60e1
system:kube-scheduler 88 7985420b9764
system:kubelet-api-admin 11 b88ab0424b1c
system:monitoring 9 044ed9e32a8e
system:node 62 a136acbc8e51
system:node-bootstrapper 4 0ea3018fd318
system:node-problem-detector 8 abc589037bb2
system:node-proxier 17 916c7d1b41d0
system:persistent-volume-provisioner 19 c8c356a3600c
system:public-info-viewer 5 a2b6ebd39085
system:service-account-issuer-discovery 4 500c08d32b88
system:volume-scheduler 13 8403cdf7e61f
view 0 e3b0c44298fc
system:controller:attachdetach-controller 28 e4005c295f64
system:controller:certificate-controller 18 9465452fe14f
system:controller:clusterrole-aggregation-controller 6 d0a8b545eda2
system:controller:cronjob-controller 22 e17b13173725
system:controller:daemon-set-controller 31 06c19c87cc0e
system:controller:deployment-controller 36 b23021404521
system:controller:disruption-controller 31 397627ba7fb5
system:controller:endpoint-controller 19 84c71ed653ee
system:controller:endpointslice-controller 22 30a7e6cd9b70
system:controller:endpointslicemirroring-controller 20 e7d84b946a99
system:controller:ephemeral-volume-controller 14 dc88c5138a92
system:controller:expand-controller 17 316aa53a71c3
system:controller:generic-garbage-collector 12 546c7d605f86
system:controller:horizontal-pod-autoscaler 22 b8ba81555be9
system:controller:job-controller 18 f3d2c4de1623
system:controller:legacy-service-account-token-cleaner 3 49861c2ca9bc
system:controller:namespace-controller 11 bafc2630a382
system:controller:node-controller 20 3a36a5b2aba5
system:controller:persistent-volume-binder 30 7edf440f9e21
system:controller:pod-garbage-collector 7 48c8fe36577c
system:controller:pv-protection-controller 10 d493f1b2a92a
system:controller:pvc-protection-controller 13 edc5268466f9
system:controller:replicaset-controller 23 f6f20f4449b1
system:controller:replication-controller 17 ac595a857b1d
system:controller:resource-claim-controller 21 e1b3e0cb3532
system:controller:resourcequota-controller 9 c41c81e6687c
system:controller:root-ca-cert-publisher 8 7c143e48d19c
system:controller:route-controller 9 3a7bbb9bbcae
system:controller:selinux-warning-controller 18 b0fffdbd9603
system:controller:service-account-controller 7 b7f79485e0e7
system:controller:service-cidrs-controller 18 34e0563be15f
system:controller:service-controller 13 2d1d58c8f9d5
system:controller:statefulset-controller 32 963aeb7d8e94
system:controller:ttl-after-finished-controller 10 998f94a55b6a
system:controller:ttl-controller 10 88956c13ea86
system:controller:validatingadmissionpolicy-status-controller 12 4ae93ff572d9
system:controller:volumeattributesclass-protection-controller 16 fd4942eef3d7
kube-public/system:controller:bootstrap-signer 10 c1881a91cb71
kube-system/extension-apiserver-authentication-reader 3 ded266facf7a
kube-system/system::leader-locking-kube-controller-manager 13 bd4a9f24e362
kube-system/system::leader-locking-kube-scheduler 13 70e21e39f1d1
kube-system/system:controller:bootstrap-signer 3 f26d22a1e774
kube-system/system:controller:cloud-provider 4 bd9b094b52e6
kube-system/system:controller:token-cleaner 10 2c481adfc4e1
`;

/** Each right alone: `verb group/resource name` or `verb path`. */
function matrixOf(rules: readonly PolicyRule[]): string[] {
  const rights = rules.flatMap((
    { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] },
  ) =>
    verbs.flatMap((verb) => [
      ...nonResourceURLs.map((url) => `${verb} ${url}`),
      ...apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          (resourceNames.length > 0 ? resourceNames : [""]).map((name) =>
            `${verb} ${group}/${resource} ${name}`
          )
        )
      ),
    ])
  );
  return [...new Set(rights)].sort();
}

Deno.test("every default role gives exactly what it gives in Kubernetes", () => {
  const found = [...defaultClusterRoles(), ...defaultRoles()].map(({ metadata, rules = [] }) => {
    const rights = matrixOf(rules);
    const digest = createHash("sha256").update(rights.join("\n")).digest("hex").slice(0, 12);
    const { namespace, name } = metadata;
    return `${namespace ? `${namespace}/` : ""}${name} ${rights.length} ${digest}`;
  });
  assert.deepEqual(found.toSorted(), MATRIX.trim().split("\n").toSorted());
});

Deno.test("every binding is to a role that is there, and controllers have accounts of their own", () => {
  const clusterRoles = new Set(defaultClusterRoles().map(({ metadata }) => metadata.name));
  const roles = new Set(
    defaultRoles().map(({ metadata: { namespace, name } }) => `${namespace}/${name}`),
  );
  const bindings = defaultClusterRoleBindings();
  assert.equal(bindings.length, 49);
  for (const { roleRef } of bindings) assert.ok(clusterRoles.has(roleRef.name), roleRef.name);
  for (const { metadata: { namespace }, roleRef } of defaultRoleBindings()) {
    assert.ok(roles.has(`${namespace}/${roleRef.name}`), roleRef.name);
  }
  const job = bindings.find(({ metadata }) => metadata.name === "system:controller:job-controller");
  assert.deepEqual(job?.subjects, [
    { kind: "ServiceAccount", name: "job-controller", namespace: "kube-system" },
  ]);
});

Deno.test("nobody without credentials may do more than see health and version", () => {
  const ofAll = defaultClusterRoleBindings().filter(({ subjects }) =>
    subjects.some(({ name }) => name === "system:unauthenticated")
  );
  assert.deepEqual(ofAll.map(({ roleRef }) => roleRef.name), ["system:public-info-viewer"]);
});
