import assert from "node:assert/strict";
import { podsWithFolder } from "./pod_folder.ts";

Deno.test("what cannot be the folder of a pod is not taken for one: a disk of its own has lost+found", async () => {
  const dataFolder = await Deno.makeTempDir();
  try {
    for (const name of ["lost+found", "7a1b"]) {
      await Deno.mkdir(`${dataFolder}/pods/${name}`, { recursive: true });
    }
    assert.deepEqual(await podsWithFolder(dataFolder), ["7a1b"]);
  } finally {
    await Deno.remove(dataFolder, { recursive: true });
  }
});
