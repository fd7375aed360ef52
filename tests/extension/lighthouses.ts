import { ageColumn, nameColumn } from "../../core/resources/columns.ts";
import { defineResource } from "../../core/resources/resource.ts";
import { duplicate } from "../../core/schema/causes.ts";
import { labelSelector } from "../../core/schema/label_selector.ts";
import { integer, object, present, required, string } from "../../core/schema/schema.ts";

/** A kind with a status, a scale, a rule of admission that looks at others of it, and a subresource of its own. */
export const lighthouses = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Lighthouse",
  plural: "lighthouses",
  namespaced: true,
  schema: object("A light by the sea.", {
    spec: required(object("What is wanted.", {
      color: required(string("Of its light; no two are alike.")),
      lamps: integer("How many there should be.", { minimum: 0 }),
      ships: labelSelector,
    })),
    status: present(object("What is.", {
      lamps: integer("How many there are."),
      flashes: integer("How often it has flashed."),
    })),
  }),
  columns: [
    nameColumn,
    { name: "Color", description: "Of its light.", value: ({ spec }) => spec.color },
    ageColumn,
  ],
  scale: {
    specReplicas: ["spec", "lamps"],
    statusReplicas: ["status", "lamps"],
    selector: ["spec", "ships"],
  },
  admit: (next, previous, { all, causes, claims }) => {
    const { color } = next.spec;
    if (color === previous?.spec.color) return next;
    if (claims.has(color) || all().some(({ spec }) => spec.color === color)) {
      causes.push(duplicate("spec.color", color));
    } else claims.add(color);
    return next;
  },
  subresources: [{
    name: "signal",
    verbs: ["create"],
    body: {
      group: "example.com",
      version: "v1",
      kind: "Signal",
      schema: object("Flashes.", { flashes: required(integer("How many.", { minimum: 1 })) }),
    },
    decide: (lighthouse, { flashes }) => {
      const { lamps = 0, flashes: before = 0 } = lighthouse.status;
      if (lamps === 0) return { conflict: "it has no lamp" };
      const status = { ...lighthouse.status, flashes: before + Number(flashes) };
      return { next: { ...lighthouse, status } };
    },
  }],
});
