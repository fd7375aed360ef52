import assert from "node:assert/strict";
import { LocalClient } from "../../../objects/local_client.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { freshApi } from "../../api_fixture.ts";
import { nodeUser } from "./node_identity.ts";

const PODS = "/api/v1/namespaces/default/pods";
const MIRROR = "kubernetes.io/config.mirror";

Deno.test("a node shows its static pods, and makes no pods otherwise", async () => {
  const { ask, objects } = await freshApi({ users: { edge: nodeUser("edge") } });
  const { uid } =
    (await new LocalClient(objects).create(nodes, { metadata: { name: "edge" } })).metadata;
  const owner = { apiVersion: "v1", kind: "Node", name: "edge", uid, controller: true };
  const create = async (
    { annotations = { [MIRROR]: "x" } as object, owners = [owner], spec = {} } = {},
  ) => {
    const metadata = { name: "web-edge", annotations, ownerReferences: owners };
    const containers = [{ name: "main", image: "x" }];
    const body = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { nodeName: "edge", containers, ...spec },
    };
    const answer = await ask("POST", PODS, body, { authorization: "Bearer edge" });
    return await answer.json();
  };
  const refusals: [Parameters<typeof create>[0], string][] = [
    [
      { annotations: {} },
      `pod does not have "${MIRROR}" annotation, node "edge" can only create mirror pods`,
    ],
    [
      { spec: { nodeName: "other" } },
      'node "edge" can only create pods with spec.nodeName set to itself',
    ],
    [{ owners: [] }, 'node "edge" can only create pods with an owner reference set to itself'],
    [
      { owners: [{ ...owner, name: "other" }] },
      'node "edge" can only create pods with an owner reference set to itself',
    ],
    [
      { spec: { serviceAccountName: "default" } },
      'node "edge" can not create pods that reference a service account',
    ],
    [
      { spec: { volumes: [{ name: "a", secret: { secretName: "s" } }] } },
      'node "edge" can not create pods that reference secrets',
    ],
    [
      {
        spec: { volumes: [{ name: "a", projected: { sources: [{ configMap: { name: "c" } }] } }] },
      },
      'node "edge" can not create pods that reference configmaps',
    ],
    [
      { spec: { volumes: [{ name: "a", persistentVolumeClaim: { claimName: "c" } }] } },
      'node "edge" can not create pods that reference persistentvolumeclaims',
    ],
  ];
  for (const [change, why] of refusals) {
    const { code, message } = await create(change);
    assert.deepEqual([code, message], [403, `pods "web-edge" is forbidden: ${why}`]);
  }
  const made = await create();
  assert.equal(made.kind, "Pod", JSON.stringify(made));
  assert.equal(made.spec.serviceAccountName, undefined);
  assert.deepEqual(made.spec.volumes ?? [], []);
});
