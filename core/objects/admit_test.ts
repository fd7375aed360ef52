import assert from "node:assert/strict";
import { ApiError } from "../client/api_error.ts";
import { defineResource } from "../resources/resource.ts";
import { list, object, oneOf, required, string } from "../schema/schema.ts";
import { CAUSES_MAX } from "../schema/report.ts";
import { freshObjects } from "./objects_fixture.ts";

const color = oneOf("Color.", ["green", "red"]);
/** A kind whose rule stumbles over each apple whose name has no length. */
const baskets = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Basket",
  plural: "baskets",
  namespaced: true,
  schema: object("Apples.", {
    apples: required(
      list("Apples.", object("An apple.", { name: required(string("Name.")), color })),
    ),
  }),
  validate: ({ apples }) => apples.flatMap(({ name }) => name.length > 5 ? [] : boom()),
});

function boom(): never {
  throw new TypeError("the rule is wrong");
}

const FINE = { name: "braeburn", color: "red" };
function blueApples(count: number): string[] {
  const message = 'Unsupported value: "blue": supported values: "green", "red"';
  return Array.from({ length: count }, (_, i) => `apples[${i}].color: ${message}`);
}

/** The apples, and with which causes they are refused; "fault": the rule is to blame, and nobody is told otherwise. */
const CASES: [string, unknown, string[] | "fault"][] = [
  ["that the rule accepts are stored", [FINE], []],
  ["over which the rule stumbles show that it is wrong", [{ name: "topaz" }], "fault"],
  ["that are no list are refused for that", 5, [
    "apples: Invalid value: 5: must be of type array",
  ]],
  ["without a name are refused for that", [{ color: "red" }], [
    "apples[0].name: Required value",
  ]],
  ["whose name is of another type are refused for that", [{ name: null }, { name: 7 }], [
    "apples[0].name: Required value",
    "apples[1].name: Invalid value: 7: must be of type string",
  ]],
  ["that are wrong in another way do not hide that the rule is", [
    { name: "topaz", color: "blue" },
  ], "fault"],
  ["with so many faults that not all are named are refused", [
    ...Array.from({ length: CAUSES_MAX }, () => ({ ...FINE, color: "blue" })),
    {},
  ], blueApples(CAUSES_MAX)],
];

for (const [name, apples, wanted] of CASES) {
  Deno.test(`apples ${name}`, async () => {
    const { objects } = await freshObjects();
    const create = async () => {
      await objects.create(baskets, { metadata: { name: "full" }, apples });
      return [];
    };
    const found = await create().catch((error) => {
      if (error instanceof TypeError && error.message === "the rule is wrong") return "fault";
      assert.ok(error instanceof ApiError, String(error));
      assert.equal(error.reason, "Invalid");
      return error.details.causes!.map(({ field, message }) => `${field}: ${message}`);
    });
    assert.deepEqual(found, wanted);
  });
}
