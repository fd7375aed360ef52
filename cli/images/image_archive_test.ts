import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { tarArchive } from "../../agent/runtimes/podman/tar_archive.ts";
import { readImageArchive } from "./image_archive.ts";
import { nextPieceBytes } from "./image_push.ts";
import { type Readable, tarIndex } from "./tar_index.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function readable(bytes: Uint8Array): Readable {
  return { read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)) };
}

function archiveOf(files: Readonly<Record<string, Uint8Array | { link: string }>>): Readable {
  return readable(
    tarArchive(
      Object.entries(files).map(([name, content]) =>
        content instanceof Uint8Array
          ? { name, mode: 0o644, content }
          : { name, mode: 0o777, link: content.link }
      ),
    ),
  );
}

/** An OCI layout of one image for two architectures. */
function layout() {
  const blobs: Record<string, Uint8Array> = {};
  const add = (content: unknown) => {
    const bytes = content instanceof Uint8Array ? content : encode(JSON.stringify(content));
    blobs[`blobs/sha256/${sha(bytes)}`] = bytes;
    return { digest: `sha256:${sha(bytes)}`, size: bytes.length };
  };
  const manifests = ["amd64", "arm64"].map((architecture) => ({
    ...add({ config: add({ architecture }), layers: [add(encode(`layer of ${architecture}`))] }),
    platform: { os: "linux", architecture },
  }));
  const index = { ...add({ manifests }), mediaType: "application/vnd.oci.image.index.v1+json" };
  const annotations = { "org.opencontainers.image.ref.name": "site/app:1" };
  const entry = { ...index, annotations };
  return { blobs, "index.json": encode(JSON.stringify({ manifests: [entry] })) };
}

Deno.test("of an OCI layout each machine gets the image of its architecture", async () => {
  const { blobs, ...rest } = layout();
  const [image] = await readImageArchive(archiveOf({ ...blobs, ...rest }), "a.tar");
  assert.deepEqual(image!.names, ["site/app:1"]);
  for (const architecture of ["amd64", "arm64"]) {
    const files = await image!.filesFor(architecture);
    assert.equal(files!.all.length, 3);
    const last = files!.all.at(-1)!;
    assert.equal(new TextDecoder().decode(await last.read(0, 100)), `layer of ${architecture}`);
    assert.equal(files!.manifest, files!.all[0]);
  }
  assert.equal(await image!.filesFor("riscv64"), undefined);
});

Deno.test("Docker's archive becomes a manifest; links lead to layers", async () => {
  const config = encode('{"architecture":"amd64"}');
  const layer = encode("layer");
  const archive = archiveOf({
    "manifest.json": encode(JSON.stringify([{
      Config: "c.json",
      RepoTags: ["app:1", "app:2"],
      Layers: ["one/layer.tar", "two/layer.tar"],
    }])),
    "c.json": config,
    "one/layer.tar": layer,
    "two/layer.tar": { link: "../one/layer.tar" },
  });
  const [image] = await readImageArchive(archive, "a.tar");
  assert.deepEqual(image!.names, ["app:1", "app:2"]);
  const { manifest, all } = (await image!.filesFor("amd64"))!;
  const content = JSON.parse(new TextDecoder().decode(await manifest.read(0, manifest.size)));
  assert.equal(manifest.digest, `sha256:${sha(await manifest.read(0, manifest.size))}`);
  assert.deepEqual(content.layers.map(({ digest }: { digest: string }) => digest), [
    `sha256:${sha(layer)}`,
    `sha256:${sha(layer)}`,
  ]);
  assert.equal(content.config.digest, `sha256:${sha(config)}`);
  assert.equal(all.length, 4);
  assert.equal(await image!.filesFor("arm64"), undefined);
});

Deno.test("what is no archive of images is refused with the reason", async () => {
  const { blobs, ...rest } = layout();
  const [name] = Object.keys(blobs);
  const table: [Readable, RegExp][] = [
    [readable(encode("x".repeat(600))), /it is no tar archive/],
    [readable(new Uint8Array()), /it has no image/],
    [archiveOf({ a: encode("a") }), /it has no image/],
    [archiveOf({ "index.json": encode("{") }), /"index.json" is no JSON/],
    [archiveOf({ "index.json": encode('{"manifests":[{}]}') }), /no SHA-256 digest/],
    [archiveOf({ "manifest.json": encode('[{"Config":"c"}]') }), /"c" is missing/],
  ];
  for (const [archive, why] of table) {
    await assert.rejects(async () => {
      for (const image of await readImageArchive(archive, "a.tar")) await image.filesFor("amd64");
    }, why);
  }
  for (const change of [undefined, encode("short")]) {
    const files: Record<string, Uint8Array> = { ...blobs, ...rest };
    if (change) files[name!] = change;
    else delete files[name!];
    await assert.rejects(async () => {
      for (const image of await readImageArchive(archiveOf(files), "a.tar")) {
        await image.filesFor("amd64");
        await image.filesFor("arm64");
      }
    });
  }
});

Deno.test("the files of any archive are found where they are, and garbage ends", async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20})?$/), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(
      names,
      fc.array(fc.uint8Array({ maxLength: 1_100 })),
      async (all, contents) => {
        const files = all.map((name, index) =>
          [name, contents[index] ?? new Uint8Array()] as const
        );
        const archive = archiveOf(Object.fromEntries(files));
        const index = await tarIndex(archive);
        for (const [name, content] of files) {
          const { start, size } = index.get(name)!;
          assert.deepEqual(await archive.read(start, size), content);
        }
      },
    ),
  );
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (bytes) => {
    await tarIndex(readable(bytes)).catch((error) => assert.equal(error.name, "TarError"));
  }));
});

Deno.test("pieces grow on a quick link and shrink on a slow one, within bounds", () => {
  const table: [bytes: number, tookMs: number, next: number][] = [
    [131_072, 2_999, 262_144],
    [131_072, 3_000, 131_072],
    [131_072, 6_000, 131_072],
    [131_072, 6_001, 65_536],
    [2_097_152, 1, 2_097_152],
    [16_384, 60_000, 16_384],
  ];
  for (const [bytes, tookMs, next] of table) assert.equal(nextPieceBytes(bytes, tookMs), next);
});
