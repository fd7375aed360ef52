import assert from "node:assert/strict";
import type { ApiError } from "../client/api_error.ts";
import type { WebhookTransport } from "../client/webhooks/webhook_transport.ts";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { mutatingWebhookConfigurations } from "../resources/admissionregistration/mutating_webhook_configurations.ts";
import { validatingAdmissionPolicies } from "../resources/admissionregistration/validating_admission_policies.ts";
import { validatingAdmissionPolicyBindings } from "../resources/admissionregistration/validating_admission_policy_bindings.ts";
import { validatingWebhookConfigurations } from "../resources/admissionregistration/validating_webhook_configurations.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { AnyResource } from "../resources/resource.ts";
import { WebhookAdmission } from "./admission/webhooks/webhook_admission.ts";
import type { Objects } from "./objects.ts";
import { freshObjects } from "./objects_fixture.ts";
import { actOnSubresource } from "./subresource_acts.ts";
import { patchSubresource, writeSubresource } from "./subresource_writes.ts";
import { subresourceOf } from "./subresources/mod.ts";

const WEB = { namespace: "default", name: "web" };
const POD_SPEC = { containers: [{ name: "web", image: "web" }] };
const LABELS = { app: "web" };
const RULE = {
  operations: ["*"],
  apiGroups: ["*"],
  apiVersions: ["*"],
  resources: ["pods/*", "deployments/*", "namespaces/*", "pods"],
};

// deno-lint-ignore no-explicit-any -- the request of a review is read field by field
type Request = any;

/** A cluster with a pod and a deployment, whose webhooks are asked about all subresources. */
class Site {
  readonly requests: Request[] = [];
  /** What the mutating webhook does to the next objects. */
  patch: readonly object[] = [];

  private constructor(readonly objects: Objects) {}

  static async open(): Promise<Site> {
    const { objects, client, clock } = await freshObjects();
    const site = new Site(objects);
    await objects.create(pods, { metadata: WEB, spec: POD_SPEC });
    await objects.create(deployments, {
      metadata: WEB,
      spec: {
        selector: { matchLabels: LABELS },
        template: { metadata: { labels: LABELS }, spec: POD_SPEC },
      },
    });
    const transport: WebhookTransport = { post: (_, body) => site.#answer(body) };
    const { store, policies } = objects;
    const parts = { random: new Random(3), log: silentLog(clock), transport };
    objects.askWebhooks(new WebhookAdmission({ store, view: client, policies, ...parts }));
    return site;
  }

  #answer(body: string): Promise<unknown> {
    const { request, apiVersion } = JSON.parse(body);
    this.requests.push(request);
    const isPatched = this.patch.length > 0;
    const patch = { patchType: "JSONPatch", patch: btoa(JSON.stringify(this.patch)) };
    const response = { uid: request.uid, allowed: true, ...(isPatched && patch) };
    return Promise.resolve({ apiVersion, kind: "AdmissionReview", response });
  }

  async asked(kind: typeof mutatingWebhookConfigurations | typeof validatingWebhookConfigurations) {
    const webhook = {
      name: "all.hooks.example",
      clientConfig: { url: "https://127.0.0.1/all" },
      rules: [RULE],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
    };
    await this.objects.create(kind, { metadata: { name: "all" }, webhooks: [webhook] });
  }

  /** All subresources are refused by a policy, in words that tell what it has seen. */
  async refused(): Promise<void> {
    const told = ["subResource", "operation", "kind.group", "kind.kind", "name"];
    const words = told.map((field) => `request.${field}`).join(" + ' ' + ");
    await this.objects.create(validatingAdmissionPolicies, {
      metadata: { name: "p" },
      spec: {
        matchConstraints: { resourceRules: [{ ...RULE, resources: ["*/*"] }] },
        validations: [{
          expression: "false",
          messageExpression: `${words} + ' ' + object.kind + (oldObject == null ? '' : ' of old')`,
        }],
      },
    });
    await this.objects.create(validatingAdmissionPolicyBindings, {
      metadata: { name: "b" },
      spec: { policyName: "p", validationActions: ["Deny"] },
    });
  }

  target(resource: AnyResource, name: string) {
    const object = resource === namespaces ? { name: "default" } : WEB;
    return { resource, name: object, subresource: subresourceOf(resource, name)! };
  }

  async do(part: string): Promise<void> {
    const { objects } = this;
    switch (part) {
      case "binding":
        await writeSubresource(objects, this.target(pods, part), { target: { name: "n1" } });
        return;
      case "eviction":
        await actOnSubresource(objects, this.target(pods, part), { metadata: WEB }, {});
        return;
      case "scale": {
        const patch = { type: "application/merge-patch+json", body: { spec: { replicas: 3 } } };
        await patchSubresource(objects, this.target(deployments, part), patch as never);
        return;
      }
      default:
        await writeSubresource(objects, this.target(namespaces, "finalize"), { spec: {} });
    }
  }
}

/** What is asked about each: `SUBRESOURCE OPERATION GROUP KIND NAME`, the object's kind, and whether there is an old one. */
const SEEN: readonly (readonly [part: string, seen: string])[] = [
  ["binding", "binding CREATE  Binding web Binding"],
  ["eviction", "eviction CREATE policy Eviction web Eviction"],
  ["scale", "scale UPDATE autoscaling Scale web Scale of old"],
  ["finalize", "finalize UPDATE  Namespace default Namespace of old"],
];

for (const [part, seen] of SEEN) {
  Deno.test(`policies and webhooks are asked about ${part} as Kubernetes shows it, once`, async () => {
    const site = await Site.open();
    await site.asked(validatingWebhookConfigurations);
    await site.do(part);
    const [request, ...more] = site.requests;
    const { subResource, operation, kind, name, object, oldObject, requestKind } = request;
    const old = oldObject === null ? "" : " of old";
    assert.equal(
      `${subResource} ${operation} ${kind.group} ${kind.kind} ${name} ${object.kind}${old}`,
      seen,
    );
    assert.deepEqual([requestKind, more], [kind, []]);
  });

  Deno.test(`a policy that refuses ${part} keeps it from being done`, async () => {
    const site = await Site.open();
    await site.refused();
    const before = site.objects.store.revision;
    await assert.rejects(site.do(part), (error: ApiError) => {
      assert.equal(error.code, 422);
      assert.ok(error.message.endsWith(`denied request: ${seen}`), error.message);
      return true;
    });
    assert.equal(site.objects.store.revision, before);
  });
}

Deno.test("what a webhook makes of a binding or of a scale is what is done", async () => {
  const site = await Site.open();
  await site.asked(mutatingWebhookConfigurations);
  site.patch = [{ op: "replace", path: "/target/name", value: "n2" }];
  await site.do("binding");
  assert.equal((site.objects.get(pods, WEB).object as Pod).spec.nodeName, "n2");
  site.patch = [{ op: "replace", path: "/spec/replicas", value: 7 }];
  await site.do("scale");
  assert.equal((site.objects.get(deployments, WEB).object as Deployment).spec.replicas, 7);
});

Deno.test("what is empty is not in the request that expressions see", async () => {
  const site = await Site.open();
  await site.objects.create(validatingAdmissionPolicies, {
    metadata: { name: "p" },
    spec: {
      matchConstraints: { resourceRules: [{ ...RULE, resources: ["pods"] }] },
      validations: [{ expression: "has(request.subResource) || has(request.userInfo.uid)" }],
    },
  });
  await site.objects.create(validatingAdmissionPolicyBindings, {
    metadata: { name: "b" },
    spec: { policyName: "p", validationActions: ["Deny"] },
  });
  const draft = { metadata: { ...WEB, name: "two" }, spec: POD_SPEC };
  await assert.rejects(site.objects.create(pods, draft), /denied request: failed expression: has/);
});
