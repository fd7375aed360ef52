import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { RemoteImages } from "../../core/client/images/remote_images.ts";
import type { ImageBlob, NodeImages } from "../../core/client/images/node_images.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { ImageIntake } from "../images/intake/image_intake.ts";
import { type Image, RuntimeError } from "../runtimes/container_runtime.ts";
import { imageKind } from "./image_kind.ts";
import { remoteNode } from "./remote_node_fixture.ts";

interface Blob extends ImageBlob {
  bytes: Uint8Array;
}

function blobOf(text: string): Blob {
  const bytes = new TextEncoder().encode(text);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { digest, size: bytes.length, bytes };
}

const one = blobOf("one layer");
const two = blobOf("another layer");
const config = blobOf('{"os":"linux"}');
const descriptor = ({ digest, size }: ImageBlob) => ({ digest, size });
const manifest = blobOf(
  JSON.stringify({ config: descriptor(config), layers: [one, two].map(descriptor) }),
);
const ALL = [manifest, config, one, two];

/** A runtime that remembers which files it got. */
class FakeRuntime {
  readonly name = "fake";
  readonly archives: string[] = [];
  images = new Set<string>();
  /** What the next load fails with. */
  fault: string | undefined;

  findImage(image: string): Promise<Image | undefined> {
    const found = this.images.has(image) ? { reference: image, sizeBytes: 1 } : undefined;
    return Promise.resolve(found);
  }

  pullImage(image: string): Promise<Image> {
    this.images.add(image);
    return Promise.resolve({ reference: image, sizeBytes: 1 });
  }

  async loadImage(archive: ReadableStream<Uint8Array>): Promise<string[]> {
    const text = await new Response(archive).text();
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw new RuntimeError("ErrImagePull", fault);
    this.archives.push(text);
    const name = /"org\.opencontainers\.image\.ref\.name":"([^"]+)"/.exec(text)![1]!;
    this.images.add(name);
    return [name];
  }
}

/** The images of a node behind a tunnel; over a restart of the agent its folder stays. */
async function onNode(
  act: (
    node: { images: NodeImages; runtime: FakeRuntime; clock: VirtualClock; again(): NodeImages },
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const clock = new VirtualClock(Date.now());
  const runtime = new FakeRuntime();
  const again = () => {
    const intake = new ImageIntake({ runtime, folder, clock });
    return new RemoteImages(remoteNode([imageKind({ images: intake, clock })], clock).node);
  };
  try {
    await act({ images: again(), runtime, clock, again });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function send(images: NodeImages, blobs: readonly Blob[]): Promise<void> {
  const missing = await images.missing(blobs.map(descriptor));
  for (const blob of blobs) {
    const from = missing[blob.digest];
    if (from !== undefined) await images.write(descriptor(blob), from, blob.bytes.subarray(from));
  }
}

const image = { name: "a:1", manifest: descriptor(manifest) };

Deno.test("an image that has come through a tunnel is loaded, and its layers are not asked for again", async () => {
  await onNode(async ({ images, runtime, again }) => {
    assert.deepEqual(
      await images.missing(ALL.map(descriptor)),
      Object.fromEntries(ALL.map(({ digest }) => [digest, 0])),
    );
    await send(images, ALL);
    assert.deepEqual(await images.missing(ALL.map(descriptor)), {});
    assert.deepEqual(await images.load(image), ["docker.io/library/a:1"]);
    for (const { bytes } of ALL) {
      assert.ok(runtime.archives[0]!.includes(new TextDecoder().decode(bytes)));
    }
    const restarted = again();
    assert.deepEqual(Object.keys(await restarted.missing(ALL.map(descriptor))), [
      manifest.digest,
      config.digest,
    ]);
    await send(restarted, ALL);
    await restarted.load({ ...image, name: "a:2" });
    assert.ok(!runtime.archives[1]!.includes("one layer"));
    runtime.images.clear();
    assert.deepEqual(Object.keys(await restarted.missing(ALL.map(descriptor))).length, 4);
  });
});

Deno.test("a transfer goes on where it broke off, also after a restart of the agent", async () => {
  await onNode(async ({ images, again }) => {
    assert.equal(await images.write(descriptor(one), 0, one.bytes.subarray(0, 4)), 4);
    const restarted = again();
    assert.deepEqual(await restarted.missing([descriptor(one)]), { [one.digest]: 4 });
    await assert.rejects(
      restarted.write(descriptor(one), 5, one.bytes.subarray(5)),
      { message: /from byte 5 on does not follow: 4 of 9 bytes are there/ },
    );
    await assert.rejects(
      restarted.write(descriptor(one), 4, new Uint8Array(6)),
      { message: /does not follow/ },
    );
    assert.equal(await restarted.write(descriptor(one), 4, one.bytes.subarray(4)), 9);
    assert.deepEqual(await restarted.missing([descriptor(one)]), {});
  });
});

Deno.test("what is not what its digest says is dropped, and what is old goes", async () => {
  await onNode(async ({ images, clock }) => {
    await assert.rejects(
      images.write(descriptor(one), 0, new Uint8Array(one.size)),
      { message: /was sent as sha256:[0-9a-f]+ is sha256:[0-9a-f]+: it was dropped/ },
    );
    assert.deepEqual(await images.missing([descriptor(one)]), { [one.digest]: 0 });
    await images.write(descriptor(two), 0, two.bytes.subarray(0, 2));
    await clock.advance(24 * 3_600_000 - 60_000);
    assert.deepEqual(await images.missing([descriptor(two)]), { [two.digest]: 2 });
    await clock.advance(120_000);
    assert.deepEqual(await images.missing([descriptor(two)]), { [two.digest]: 0 });
  });
});

Deno.test("an image that is not complete, too large or badly named is refused", async () => {
  await onNode(async ({ images, runtime }) => {
    await assert.rejects(images.load(image), { message: /is missing/ });
    await send(images, [manifest, one, two]);
    await assert.rejects(images.load(image), {
      message: `the image is not complete: ${config.digest} is missing`,
    });
    await send(images, [config]);
    await assert.rejects(images.load({ ...image, name: "UPPER" }), { message: /UPPER/ });
    const many = Array.from({ length: 1_025 }, () => descriptor(one));
    await assert.rejects(images.missing(many), { message: /too large: 1025 files/ });
    await assert.rejects(
      images.missing([{ digest: one.digest, size: 65 * 1024 ** 3 }]),
      { message: /too large/ },
    );
    for (const digest of ["sha256:../../etc", `sha512:${"0".repeat(64)}`]) {
      await assert.rejects(images.write({ digest, size: 1 }, 0, new Uint8Array(1)), {
        message: /no files of an image/,
      });
    }
    assert.deepEqual(runtime.archives, []);
    assert.deepEqual(await images.load(image), ["docker.io/library/a:1"]);
  });
});

Deno.test("a layer that the runtime has lost is asked for again", async () => {
  await onNode(async ({ images, runtime }) => {
    await send(images, ALL);
    await images.load(image);
    await send(images, [manifest, config]);
    runtime.fault = `open /var/tmp/oci1/blobs/${
      two.digest.replace(":", "/")
    }: no such file or directory`;
    await assert.rejects(images.load({ ...image, name: "a:2" }), {
      message: /^Cannot load the image: open/,
    });
    assert.deepEqual(await images.missing(ALL.map(descriptor)), { [two.digest]: 0 });
  });
});

Deno.test("an image that is to be there ahead is fetched once", async () => {
  await onNode(async ({ images, runtime }) => {
    await images.pull("a:1", []);
    assert.ok(runtime.images.has("a:1"));
    runtime.pullImage = () => Promise.reject(new RuntimeError("ErrImagePull", "no route"));
    await images.pull("a:1", []);
    await assert.rejects(images.pull("b:1", []), {
      reason: "ServiceUnavailable",
      message: "no route",
    });
  });
});
