import assert from "node:assert/strict";
import { defaultedTemplate } from "../../../resources/argoproj/pod_templates.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { currentSetOf } from "./current_set.ts";

function template(image: string) {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } };
}

/** As it is stored: defaulted, with the label of its hash. */
function set(name: string, hash: string, image: string, created = "2026-01-01T00:00:00Z") {
  const { spec } = defaultedTemplate(template(image));
  const labels = { app: "web", "rollouts-pod-template-hash": hash };
  return {
    metadata: { name, labels, creationTimestamp: created },
    spec: { template: { metadata: { labels }, spec } },
  } as unknown as ReplicaSet;
}

const original = ({ spec }: ReplicaSet) => spec.template;

Deno.test("the current set is the one of the hash, else the oldest with an equal template", () => {
  const one = set("one", "h1", "a");
  const two = set("two", "h2", "b", "2026-01-02T00:00:00Z");
  const again = set("again", "h3", "b", "2026-01-03T00:00:00Z");
  const find = (hash: string, wanted: object) =>
    currentSetOf([again, one, two], {
      template: wanted as typeof one.spec.template,
      hash,
      original,
    })
      ?.metadata.name;
  assert.equal(find("h1", template("whatever")), "one");
  assert.equal(find("?", template("b")), "two");
  assert.equal(find("?", two.spec.template), "two"); // defaulted, and with the label: as after undo
  assert.equal(find("?", template("c")), undefined);
  assert.equal(find("?", { ...template("b"), metadata: {} }), undefined);
});

Deno.test("what the controller put into a set does not count", () => {
  const one = set("one", "h1", "a");
  const injected = {
    ...one,
    spec: {
      ...one.spec,
      template: { ...one.spec.template, spec: { ...one.spec.template.spec, affinity: {} } },
    },
  };
  const wanted = { template: template("a"), hash: "?" };
  assert.equal(currentSetOf([injected], { ...wanted, original }), undefined);
  const found = currentSetOf([injected], { ...wanted, original: () => one.spec.template });
  assert.equal(found, injected);
});
