import { ageColumn, nameColumn } from "../../core/resources/columns.ts";
import { defineResource } from "../../core/resources/resource.ts";
import { integer, object, present, required, string } from "../../core/schema/schema.ts";

/** A kind with a status. */
export const lighthouses = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Lighthouse",
  plural: "lighthouses",
  namespaced: true,
  schema: object("A light by the sea.", {
    spec: required(object("What is wanted.", {
      color: required(string("Of its light.")),
    })),
    status: present(object("What is.", {
      flashes: integer("How often it has flashed."),
    })),
  }),
  columns: [
    nameColumn,
    { name: "Color", description: "Of its light.", value: ({ spec }) => spec.color },
    ageColumn,
  ],
});
