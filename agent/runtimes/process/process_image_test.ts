import assert from "node:assert/strict";
import { commandOf, envOf, imagePath, readImage, writeImage } from "./process_image.ts";

Deno.test("command and args replace entrypoint and cmd as Kubernetes' table says", () => {
  const image = { Entrypoint: ["/ep"], Cmd: ["foo", "bar"] };
  const table: readonly [command: string[], args: string[], result: string[]][] = [
    [[], [], ["/ep", "foo", "bar"]],
    [["/run"], [], ["/run"]],
    [[], ["zoo"], ["/ep", "zoo"]],
    [["/run"], ["zoo"], ["/run", "zoo"]],
  ];
  for (const [command, args, result] of table) {
    assert.deepEqual(commandOf({ command, args }, image), result);
  }
  assert.throws(() => commandOf({}), /no command specified/);
});

Deno.test("an image is a file that is found by its reference", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const reference = "registry.example/shop/web:1";
    assert.equal(await readImage(folder, reference), undefined);
    await writeImage(folder, reference, { Env: ["A=b=c", "EMPTY"] });
    const { id, image } = (await readImage(folder, reference))!;
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(envOf(image), { A: "b=c", EMPTY: "" });
    await Deno.writeTextFile(imagePath(folder, reference), "[");
    await assert.rejects(readImage(folder, reference), /its file is not a JSON object/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
