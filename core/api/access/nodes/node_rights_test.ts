import assert from "node:assert/strict";
import { nodeOf, nodeUser } from "./node_identity.ts";
import { isNodesRight } from "./node_rights.ts";

const view = {
  nodeOfPod: (namespace: string, name: string) =>
    namespace === "default" ? { mine: "edge", theirs: "other" }[name] : undefined,
  usesAccount: (node: string, namespace: string, account: string) =>
    node === "edge" && namespace === "default" && account === "robot",
  nodeOfReleasedVolume: (name: string) => ({ mine: "edge", theirs: "other" })[name],
};

/** `verb [namespace/]resource[.group][/subresource] [name] [?fields]` */
function mayDo(text: string): boolean {
  const [, verb, namespace, kind, subresource, name, fields] =
    /^(\w+) (?:([\w-]+):)?([\w.]+)(?:\/(\w+))?(?: ([\w-]+))?(?: \?(\S+))?$/.exec(text)!;
  const [resource, ...group] = kind!.split(".");
  return isNodesRight("edge", {
    isResource: true,
    verb: verb!,
    group: group.join("."),
    resource: resource!,
    subresource,
    namespace,
    name,
    fieldSelector: fields ?? "",
  }, view);
}

Deno.test("the agent of a node may do what it needs", () => {
  const table = [
    "list pods ?spec.nodeName=edge",
    "watch pods ?spec.nodeName=edge",
    "get default:pods mine",
    "delete default:pods mine",
    "create default:pods",
    "update default:pods/status mine",
    "create default:serviceaccounts/token robot",
    "patch default:pods/status mine",
    "create nodes",
    "update nodes edge",
    "update nodes/status edge",
    "list nodes",
    "watch nodes",
    "create kube-node-lease:leases.coordination.k8s.io",
    "update kube-node-lease:leases.coordination.k8s.io edge",
    "get kube-node-lease:leases.coordination.k8s.io edge",
    "watch kube-node-lease:leases.coordination.k8s.io ?metadata.name=edge",
    "create default:events",
    "update default:events e",
    "create default:events.events.k8s.io",
    "watch services",
    "list endpointslices.discovery.k8s.io",
    "list gateways.gateway.networking.k8s.io",
    "watch httproutes.gateway.networking.k8s.io",
    "list secrets",
    "watch configmaps",
    "list namespaces",
    "watch persistentvolumes",
    "watch persistentvolumeclaims",
    "delete persistentvolumes mine",
    "update persistentvolumes mine",
  ];
  for (const text of table) assert.ok(mayDo(text), text);
});

Deno.test("the agent of a node may do nothing else", () => {
  const table = [
    "list pods",
    "watch pods",
    "list pods ?spec.nodeName=other",
    "list pods ?spec.nodeName!=other",
    "list pods ?metadata.name=edge",
    "list pods ?spec.nodeName=edge,x",
    "list pods ?spec.nodeName=edge,a=b=c",
    "get default:pods theirs",
    "get default:pods unbound",
    "get kube-system:pods mine",
    "delete default:pods theirs",
    "delete default:pods unbound",
    "deletecollection default:pods ?spec.nodeName=edge",
    "update default:pods mine",
    "patch default:pods mine",
    "update default:pods/status theirs",
    "update default:pods/status",
    "create default:pods/binding mine",
    "create default:pods/eviction mine",
    "get default:pods/log mine",
    "create default:pods/exec mine",
    "update nodes other",
    "patch nodes edge",
    "delete nodes edge",
    "delete nodes other",
    "update nodes/status other",
    "get nodes/proxy edge",
    "create default:leases.coordination.k8s.io",
    "update kube-node-lease:leases.coordination.k8s.io other",
    "delete kube-node-lease:leases.coordination.k8s.io other",
    "list kube-node-lease:leases.coordination.k8s.io",
    "list leases.coordination.k8s.io ?metadata.name=edge",
    "update kube-system:leases.coordination.k8s.io edge",
    "create default:serviceaccounts/token other",
    "create kube-system:serviceaccounts/token robot",
    "get default:serviceaccounts robot",
    "create default:secrets",
    "update default:secrets s",
    "patch default:configmaps c",
    "delete default:services s",
    "create default:deployments.apps",
    "list deployments.apps",
    "update endpointslices.discovery.k8s.io e",
    "delete default:events e",
    "list events",
    "update gateways.gateway.networking.k8s.io/status g",
    "create clusterrolebindings.rbac.authorization.k8s.io",
    "list secrets.example.com",
    "create persistentvolumes",
    "delete persistentvolumes theirs",
    "delete persistentvolumes unreleased",
    "deletecollection persistentvolumes",
    "update persistentvolumes theirs",
    "patch persistentvolumes mine",
    "update persistentvolumes/status mine",
    "update default:persistentvolumeclaims mine",
    "delete default:persistentvolumeclaims mine",
  ];
  for (const text of table) assert.ok(!mayDo(text), text);
});

Deno.test("who is a node is said by name and group together", () => {
  assert.equal(nodeOf(nodeUser("edge")), "edge");
  const groups = ["system:nodes"];
  for (
    const user of [
      { name: "system:node:edge", groups: [] },
      { name: "edge", groups },
      { name: "system:node:", groups },
      { name: "system:node:edge", groups: ["system:nodes "] },
      { name: " system:node:edge", groups },
    ]
  ) assert.equal(nodeOf(user), undefined, JSON.stringify(user));
});
