import assert from "node:assert/strict";
import { subresourcesOf } from "../../../objects/subresources/mod.ts";
import { events } from "../../../resources/events/events.ts";
import { RESOURCES } from "../../../resources/mod.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import { nodeOf, nodeUser } from "./node_identity.ts";
import { type NodeRight, nodesRight, type RightsView } from "./node_rights.ts";

const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

const eventsOfGroup = { ...events, group: "events.k8s.io" };

/** What has to do with the node has its name, and everything else has not. */
const view: RightsView = {
  isRelated: (node, { name }) => node === "edge" && name === "edge",
  nodeOfReleasedVolume: (name) => ({ "own-released": "edge", "others-released": "other" })[name],
  requesterOf: (name) => `system:node:${name}`,
};

/** `verb [namespace:]resource[.group][/subresource] [name] [?fields]` */
function decided(text: string): NodeRight {
  const [, verb, namespace, kind, subresource, name, fields] =
    /^(\w+) (?:([\w-]+):)?([\w.]+)(?:\/(\w+))?(?: ([\w-]+))?(?: \?(\S+))?$/.exec(text)!;
  const [resource, ...group] = kind!.split(".");
  return nodesRight("edge", {
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

/** The verbs that a node has on objects of its own, on those of others, and without a name. Kinds that are not here: none. */
interface Rights {
  own: string;
  others?: string;
  unnamed?: string;
}
const OPEN: Rights = { own: "get list watch", others: "get list watch", unnamed: "get list watch" };
const TABLE: Readonly<Record<string, Rights>> = {
  "namespaces": OPEN,
  "services": OPEN,
  "endpointslices.discovery.k8s.io": OPEN,
  "gatewayclasses.gateway.networking.k8s.io": OPEN,
  "gateways.gateway.networking.k8s.io": OPEN,
  "grpcroutes.gateway.networking.k8s.io": OPEN,
  "httproutes.gateway.networking.k8s.io": OPEN,
  "referencegrants.gateway.networking.k8s.io": OPEN,
  "ingresses.networking.k8s.io": OPEN,
  "ingressclasses.networking.k8s.io": OPEN,
  "runtimeclasses.node.k8s.io": OPEN,
  "configmaps": { own: "get list watch" },
  "secrets": { own: "get list watch" },
  "persistentvolumeclaims": { own: "get" },
  "persistentvolumes": { own: "get" },
  "pods": { own: "get list watch delete create", others: "create", unnamed: "create" },
  "pods/status": { own: "update patch" },
  "serviceaccounts": { own: "get" },
  "serviceaccounts/token": { own: "create" },
  "nodes": { own: "get list watch update create", others: "create", unnamed: "create" },
  "nodes/status": { own: "update patch" },
  "nodes/follow": { own: "get" },
  "nodes/tunnel": { own: "create get" },
  "leases.coordination.k8s.io": {
    own: "get create update patch delete",
    others: "create",
    unnamed: "create",
  },
  "certificatesigningrequests.certificates.k8s.io": {
    own: "get list watch create",
    others: "create",
    unnamed: "create",
  },
  "events": {
    own: "create update patch",
    others: "create update patch",
    unnamed: "create update patch",
  },
  "events.events.k8s.io": {
    own: "create update patch",
    others: "create update patch",
    unnamed: "create update patch",
  },
};

Deno.test("every verb on every kind and subresource, of its own and of others: what a node may do", () => {
  const kinds = [...RESOURCES, eventsOfGroup].flatMap((resource) => {
    const name = groupResourceOf(resource);
    const namespace = name === "leases.coordination.k8s.io" ? "kube-node-lease" : "default";
    const prefix = resource.namespaced ? `${namespace}:` : "";
    const all = [...subresourcesOf(resource).map((each) => each.name), "unheard"];
    return [name, ...all.map((each) => `${name}/${each}`)].map((kind) => ({ kind, prefix }));
  });
  assert.ok(kinds.length > 150, `${kinds.length}`);
  const known = new Set(kinds.map(({ kind }) => kind));
  const missing = Object.keys(TABLE).filter((kind) => !known.has(kind));
  assert.deepEqual(
    missing,
    ["nodes/tunnel"],
    "the table has no kinds that there are not",
  );
  for (const { kind, prefix } of kinds) {
    const rights = TABLE[kind] ?? { own: "" };
    for (const verb of VERBS) {
      const cases = [["edge", rights.own], ["other", rights.others], ["", rights.unnamed]] as const;
      for (const [name, verbs = ""] of cases) {
        const text = `${verb} ${prefix}${kind} ${name}`.trim();
        const is = decided(text).outcome;
        assert.equal(is, verbs.split(" ").includes(verb) ? "allow" : "no opinion", text);
      }
    }
  }
});

Deno.test("a node lists and watches by selectors what is its own", () => {
  const table = [
    "list pods ?spec.nodeName=edge",
    "watch pods ?spec.nodeName=edge",
    "list default:pods ?metadata.name=edge",
    "list nodes ?metadata.name=edge",
    "watch default:secrets ?metadata.name=edge",
    "list default:configmaps ?metadata.name=edge",
    "delete persistentvolumes own-released",
    "update persistentvolumes own-released",
    "list namespaces",
    "watch services",
  ];
  for (const text of table) assert.equal(decided(text).outcome, "allow", text);
});

Deno.test("selectors and other places open nothing else, and refusals have Kubernetes' reasons", () => {
  const foreign = "no relationship found between node 'edge' and this object";
  const podList = "can only list/watch pods with spec.nodeName field selector";
  const lease = "can only access node lease with the same name as the requesting node";
  const table: [string, string | undefined][] = [
    ["list pods", podList],
    ["watch pods", podList],
    ["list pods ?spec.nodeName=other", podList],
    ["list pods ?spec.nodeName!=other", podList],
    ["list pods ?metadata.name=other", foreign],
    ["list pods ?spec.nodeName=edge,x", podList],
    ["list pods ?spec.nodeName=edge,a=b=c", podList],
    ["get default:pods other", foreign],
    ["delete default:pods other", foreign],
    ["deletecollection default:pods ?spec.nodeName=edge", undefined],
    ["update default:pods edge", undefined],
    ["create default:pods/binding edge", undefined],
    ["create default:pods/eviction edge", undefined],
    ["get default:pods/log edge", undefined],
    ["create default:pods/exec edge", undefined],
    ["update default:pods/status other", foreign],
    ["update default:pods/status", "No Object name found"],
    ["get default:secrets other", foreign],
    ["list default:secrets ?metadata.name=other", foreign],
    ["list default:secrets", "No Object name found"],
    ["list secrets", "can only read namespaced object of this type"],
    ["list secrets ?metadata.name=edge", "can only read namespaced object of this type"],
    ["update default:secrets edge", "can only read resources of this type"],
    ["delete default:configmaps edge", "can only read resources of this type"],
    ["list secrets.example.com", undefined],
    ["list default:persistentvolumeclaims", "can only get individual resources of this type"],
    ["watch persistentvolumes edge", "can only get individual resources of this type"],
    ["delete persistentvolumes others-released", "can only get individual resources of this type"],
    ["update persistentvolumes edge", "can only get individual resources of this type"],
    ["patch persistentvolumes own-released", "can only get individual resources of this type"],
    ["create default:serviceaccounts/token other", foreign],
    [
      "create default:serviceaccounts/token",
      "can only create tokens for individual service accounts",
    ],
    ["list default:serviceaccounts", "can only create tokens for individual service accounts"],
    ["list nodes", "node 'edge' cannot read all nodes, only its own Node object"],
    ["get nodes other", "node 'edge' cannot read 'other', only its own Node object"],
    ["get nodes/proxy edge", undefined],
    ["get nodes/follow other", undefined],
    ["create nodes/tunnel other", undefined],
    ["delete nodes edge", undefined],
    ["patch nodes edge", undefined],
    ["update nodes/status other", undefined],
    ["update kube-node-lease:leases.coordination.k8s.io other", lease],
    [
      "list kube-node-lease:leases.coordination.k8s.io ?metadata.name=edge",
      "can only get, create, update, patch, or delete a node lease",
    ],
    [
      "update kube-system:leases.coordination.k8s.io edge",
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    ["get certificatesigningrequests.certificates.k8s.io other", undefined],
    ["update certificatesigningrequests.certificates.k8s.io/approval edge", undefined],
    ["delete default:events edge", undefined],
    ["list events", undefined],
    ["create clusterrolebindings.rbac.authorization.k8s.io", undefined],
    ["get constructor", undefined],
  ];
  for (const [text, reason] of table) {
    const decision = decided(text);
    assert.equal(decision.outcome, "no opinion", text);
    assert.equal(decision.reason, reason, text);
  }
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
