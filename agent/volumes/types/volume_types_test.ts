import assert from "node:assert/strict";
import { POD_SPEC_NOT_ACTED_ON } from "../../../core/resources/core/pods/spec/not_acted_on.ts";
import { volumes } from "../../../core/resources/core/pods/spec/volumes.ts";
import { VOLUME_TYPES } from "./mod.ts";

Deno.test("a volume of each type in the list can be asked for, and no user is told that it is ignored", () => {
  const known = Object.keys(volumes.items?.properties ?? {}).filter((field) => field !== "name");
  const ignored = known.filter((field) =>
    Object.hasOwn(POD_SPEC_NOT_ACTED_ON, `volumes[].${field}`)
  );
  const made = VOLUME_TYPES.map(({ field }) => field);
  assert.deepEqual([...made, ...ignored].toSorted(), known.toSorted());
});
