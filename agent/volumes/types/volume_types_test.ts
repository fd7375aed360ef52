import assert from "node:assert/strict";
import { UNIMPLEMENTED_POD_FIELDS } from "../../../core/resources/core/pods/spec/unimplemented_fields.ts";
import { volumes } from "../../../core/resources/core/pods/spec/volumes.ts";
import { VOLUME_TYPES } from "./mod.ts";

Deno.test("a volume of each type in the list can be asked for, and no user is told that it is ignored", () => {
  const known = Object.keys(volumes.items?.properties ?? {}).filter((field) => field !== "name");
  const ignored = known.filter((field) =>
    Object.hasOwn(UNIMPLEMENTED_POD_FIELDS, `volumes[].${field}`)
  );
  const made = VOLUME_TYPES.map(({ field }) => field);
  assert.deepEqual([...made, ...ignored].toSorted(), known.toSorted());
});
