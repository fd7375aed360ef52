import assert from "node:assert/strict";
import { ApiError, type Reason } from "../client/api_error.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { MemoryDisk, MemoryJournal } from "../store/memory_journal.ts";
import { freshObjects } from "./objects_fixture.ts";

const NAME = { namespace: "default", name: "settings" };
const DRAFT = { metadata: NAME, data: { a: "1" } };
const CHANGED = { metadata: NAME, data: { a: "2" } };

/** The objects of a cluster whose disk is full once these are there. */
async function onFullDisk(...drafts: object[]) {
  const disk = { isFull: false };
  const journal = new MemoryJournal(new MemoryDisk(), (_batch, write) => {
    if (disk.isFull) throw new Error("no space left on device");
    return write();
  });
  const { objects } = await freshObjects({ journal });
  for (const draft of drafts) await objects.create(configMaps, draft);
  disk.isFull = true;
  return { objects, disk };
}

Deno.test("what is deleted by a write that fails is not called gone", async () => {
  const { objects } = await onFullDisk(DRAFT);
  const first = objects.delete(configMaps, NAME);
  const second = objects.delete(configMaps, NAME);
  await refused(first, "ServiceUnavailable");
  await refused(second, "ServiceUnavailable");
  assert.deepEqual(objects.get(configMaps, NAME).object.metadata.name, NAME.name);
});

Deno.test("what is created by a write that fails is not called there", async () => {
  const { objects, disk } = await onFullDisk();
  const first = objects.create(configMaps, DRAFT);
  const second = objects.create(configMaps, DRAFT);
  await refused(first, "ServiceUnavailable");
  await refused(second, "ServiceUnavailable");
  disk.isFull = false;
  await objects.create(configMaps, DRAFT);
});

Deno.test("a change that another write makes already is not acknowledged when that fails", async () => {
  const { objects, disk } = await onFullDisk(DRAFT);
  const first = objects.update(configMaps, NAME, CHANGED);
  const same = objects.update(configMaps, NAME, CHANGED);
  await refused(first, "ServiceUnavailable");
  await refused(same, "ServiceUnavailable");
  disk.isFull = false;
  assert.equal((await objects.update(configMaps, NAME, CHANGED)).outcome, "changed");
});

Deno.test("a conflict with a write that fails is none", async () => {
  const { objects } = await onFullDisk(DRAFT);
  const seen = objects.get(configMaps, NAME).object;
  const first = objects.update(configMaps, NAME, CHANGED);
  const second = objects.update(configMaps, NAME, { ...seen, data: { a: "3" } });
  await refused(first, "ServiceUnavailable");
  await refused(second, "ServiceUnavailable");
});

Deno.test("what rests on a write that succeeds is refused for what it says, once that can be read", async () => {
  const { objects, disk } = await onFullDisk();
  disk.isFull = false;
  const created = objects.create(configMaps, DRAFT);
  await refused(objects.create(configMaps, DRAFT), "AlreadyExists");
  await created;
  const deleted = objects.delete(configMaps, NAME);
  await refused(objects.delete(configMaps, NAME), "NotFound");
  await deleted;
});

async function refused(work: Promise<unknown>, reason: Reason): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.reason, reason, error.message);
    return true;
  });
}
