import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { deploymentController } from "./deployments.ts";
import { replicaSetController } from "./replica_sets.ts";
import { TestCluster } from "../test_cluster.ts";

const WEB = { namespace: "default", name: "web" };
const ROLLBACK_TO = "deprecated.deployment.rollback.to";
const CAUSE = "kubernetes.io/change-cause";

/** A deployment that has had these images, each with itself as the cause of the change. */
class Rollouts {
  readonly cluster = new TestCluster();

  constructor(...images: readonly string[]) {
    for (const image of images) {
      this.change({ [CAUSE]: image }, image);
      this.cluster.settle([deploymentController, replicaSetController]);
    }
    this.cluster.notices.length = 0;
  }

  change(annotations: Record<string, string>, image?: string): void {
    const before = this.cluster.get(deployments, WEB);
    const labels = { app: "web" };
    this.cluster.put(deployments, {
      ...before,
      metadata: {
        name: "web",
        ...before?.metadata,
        annotations: { ...before?.metadata.annotations, ...annotations },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        ...before?.spec,
        ...(image !== undefined && {
          template: { metadata: { labels }, spec: { containers: [{ name: "web", image }] } },
        }),
      },
    });
  }

  /** The image that a rollback leads to, and what was told of it. */
  rollBack(to: string): { image: string; told: string[] } {
    this.change({ [ROLLBACK_TO]: to });
    this.cluster.settle([deploymentController, replicaSetController]);
    const told = this.cluster.notices.filter(({ reason }) => reason.includes("Rollback"))
      .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    const { spec } = this.cluster.get(deployments, WEB)!;
    return { image: spec.template.spec.containers[0]!.image!, told };
  }

  get annotations(): Record<string, string> {
    return this.cluster.get(deployments, WEB)!.metadata.annotations ?? {};
  }
}

Deno.test("an annotation asks for a rollback, to a revision or to the one before", () => {
  const rows: [to: string, image: string, told: string[]][] = [
    ["1", "web:1", ['Normal DeploymentRollback Rolled back deployment "web" to revision 1']],
    ["0", "web:2", ['Normal DeploymentRollback Rolled back deployment "web" to revision 2']],
    ["3", "web:3", [
      'Warning DeploymentRollbackTemplateUnchanged The rollback revision contains the same template as current deployment "web"',
    ]],
    ["9", "web:3", [
      "Warning DeploymentRollbackRevisionNotFound Unable to find the revision to rollback to.",
    ]],
  ];
  for (const [to, image, told] of rows) {
    const rollouts = new Rollouts("web:1", "web:2", "web:3");
    assert.deepEqual(rollouts.rollBack(to), { image, told }, to);
    assert.equal(rollouts.annotations[ROLLBACK_TO], undefined, to);
    assert.equal(rollouts.annotations[CAUSE], image, "the cause of the change comes back, too");
  }
});

Deno.test("there is no revision before the first one, and what is no number asks for nothing", () => {
  assert.deepEqual(new Rollouts("web:1").rollBack("0").told, [
    "Warning DeploymentRollbackRevisionNotFound Unable to find last revision.",
  ]);
  const rollouts = new Rollouts("web:1", "web:2");
  assert.deepEqual(rollouts.rollBack("back"), { image: "web:2", told: [] });
  assert.equal(rollouts.annotations[ROLLBACK_TO], "back");
});

Deno.test("the template that comes back has no label of its ReplicaSet", () => {
  const rollouts = new Rollouts("web:1", "web:2");
  rollouts.rollBack("1");
  const { template } = rollouts.cluster.get(deployments, WEB)!.spec;
  assert.deepEqual(template.metadata?.labels, { app: "web" });
});

Deno.test("a ReplicaSet that cannot be created is told, but not when its namespace is being deleted", () => {
  const rollouts = new Rollouts();
  rollouts.change({}, "web:1");
  const { writes } = rollouts.cluster.planOf(deploymentController, WEB);
  const write = writes.find((each) => each.verb === "create" && each.resource === replicaSets);
  assert.ok(write?.verb === "create" && write.refused);
  const verbs = (error: ApiError) => write.refused!(error).map(({ verb }) => verb);
  assert.deepEqual(verbs(new ApiError("Forbidden", "exceeded quota")), ["updateStatus", "event"]);
  const field = "metadata.namespace";
  const causes = [{ reason: "NamespaceTerminating" as const, field, message: "" }];
  assert.deepEqual(verbs(new ApiError("Forbidden", "ending", { causes })), []);
});
