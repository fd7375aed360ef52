import assert from "node:assert/strict";
import { RESOURCES } from "../../resources/mod.ts";
import { testJournal } from "../journal_contract.ts";
import { MemoryDisk, MemoryJournal } from "../memory_journal.ts";
import { MemoryStore } from "../memory_store.ts";
import type { Key } from "../store.ts";
import { testStore } from "../store_contract.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { rotate, type SaveKeys } from "./rotation.ts";
import { isSealed, keyIdIn } from "./sealed_bytes.ts";
import { Sealer } from "./sealer.ts";
import { SealingJournal } from "./sealing_journal.ts";
import {
  mergedKeys,
  newSecretKey,
  type SecretKey,
  secretKeysFrom,
  secretKeysText,
} from "./secret_keys.ts";

const T = "2026-01-01T00:00:00Z";

function sealerOf(keys: readonly SecretKey[], ...kinds: string[]): Sealer {
  return new Sealer({ secretKinds: new Set(kinds), keys, keyFile: "/data/secrets.keys" });
}

const memoryStorage = () => {
  const disk = new MemoryDisk();
  const sealer = sealerOf([newSecretKey(T)], "notes");
  return {
    open: () => Promise.resolve(new SealingJournal(new MemoryJournal(disk), sealer)),
    remove: () => Promise.resolve(),
  };
};
testJournal("SealingJournal", () => Promise.resolve(memoryStorage()));
testStore("MemoryStore over a SealingJournal", () => Promise.resolve(memoryStorage()));

const keyOf = (name: string, kind = "secrets"): Key => [kind, "default", name];
const secret = (name: string, value = "plaintext") =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "default", uid: name, creationTimestamp: T },
    data: { value },
  }) as unknown as KubeObject;

/** A store whose disk and keys outlive it, as those of a server do. */
class Machine {
  readonly disk = new MemoryDisk();
  keys: readonly SecretKey[] = [newSecretKey(T)];
  /** Writes of the disk and of the key file that still work; then the machine loses its power. */
  writesLeft = Infinity;

  async open(keys = this.keys) {
    const sealer = sealerOf(keys, "secrets");
    const write = (_batch: unknown, apply: () => void) => {
      this.#use();
      apply();
    };
    const journal = new SealingJournal(new MemoryJournal(this.disk, write), sealer);
    const store = await MemoryStore.open(journal, { resources: RESOURCES });
    return { store, sealer };
  }

  readonly save: SaveKeys = async (keys) => {
    await undefined;
    this.#use();
    this.keys = secretKeysFrom(secretKeysText(keys));
  };

  #use(): void {
    if (this.writesLeft-- <= 0) throw new Error("no power");
  }

  bytesOf(name: string): Uint8Array {
    return this.disk.rows.get(keyOf(name).join("/"))!.bytes;
  }
}

async function put(store: MemoryStore, name: string, value?: string): Promise<void> {
  const key = keyOf(name);
  await store.commit([{
    key,
    value: secret(name, value),
    expected: store.newest(key)?.revision ?? 0,
  }]);
}

const valueIn = (store: MemoryStore, name: string) =>
  (store.get(keyOf(name))?.object as unknown as { data: { value: string } }).data.value;

Deno.test("a Secret is nowhere on the disk in the clear, small or large; other objects are", async () => {
  const machine = new Machine();
  const { store } = await machine.open();
  await put(store, "small");
  await put(store, "large", "plaintext".repeat(20_000));
  await store.commit([{ key: keyOf("c", "configmaps"), value: secret("c"), expected: 0 }]);
  for (const name of ["small", "large"]) {
    const bytes = machine.bytesOf(name);
    assert.ok(isSealed(bytes) && !new TextDecoder().decode(bytes).includes("plaintext"), name);
  }
  assert.ok(!isSealed(machine.disk.rows.get("configmaps/default/c")!.bytes));
  const again = await machine.open();
  assert.equal(valueIn(again.store, "small"), "plaintext");
  assert.equal(valueIn(again.store, "large").length, 180_000);
});

Deno.test("a store with encrypted secrets opens only with its keys, and says which is missing", async () => {
  const machine = new Machine();
  const { store } = await machine.open();
  await put(store, "a");
  await assert.rejects(
    machine.open([newSecretKey(T)]),
    /^MissingKeyError: Cannot read the secrets in the store: .* the key [0-9a-f]{8}, which is not in "\/data\/secrets.keys"/,
  );
});

Deno.test("a secret in the place of another one is not taken for it", async () => {
  const machine = new Machine();
  const { store } = await machine.open();
  await put(store, "a");
  await put(store, "b");
  const { rows } = machine.disk;
  rows.set("secrets/default/b", { key: keyOf("b"), bytes: machine.bytesOf("a") });
  await assert.rejects(machine.open(), /Cannot decrypt secrets\/default\/b/);
});

Deno.test("plain secrets of an older version are read, and encrypted with their next write or by a rotation", async () => {
  const machine = new Machine();
  const plain = await machine.open([]);
  for (const name of ["a", "b"]) await put(plain.store, name);
  assert.ok(!isSealed(machine.bytesOf("a")));
  const { store, sealer } = await machine.open();
  await put(store, "a", "new");
  assert.deepEqual([isSealed(machine.bytesOf("a")), isSealed(machine.bytesOf("b"))], [true, false]);
  const { rewritten, key } = await rotate({ store, sealer, save: machine.save, createdAt: T });
  assert.equal(rewritten, 2);
  assert.deepEqual(machine.keys.map(({ id }) => id), [key]);
  assert.deepEqual(["a", "b"].map((name) => keyIdIn(machine.bytesOf(name))), [key, key]);
});

Deno.test("writes go on during a rotation, and are under the new key at its end", async () => {
  const machine = new Machine();
  const { store, sealer } = await machine.open();
  for (let i = 0; i < 50; i++) await put(store, `s${i}`);
  const rotating = rotate({ store, sealer, save: machine.save, createdAt: T });
  for (let i = 0; i < 50; i++) {
    await put(store, `s${i}`, `new ${i}`).catch(() => put(store, `s${i}`, `new ${i}`));
  }
  const { key } = await rotating;
  for (let i = 0; i < 50; i++) {
    assert.equal(keyIdIn(machine.bytesOf(`s${i}`)), key);
    assert.equal(valueIn(store, `s${i}`), `new ${i}`);
  }
});

Deno.test("a machine that loses its power at any write of a rotation loses no secret", async () => {
  const writes: number[] = [];
  for (let left = 0; left <= 80; left++) {
    const machine = new Machine();
    const { store, sealer } = await machine.open();
    for (let i = 0; i < 70; i++) await put(store, `s${i}`, `value ${i}`);
    machine.writesLeft = left;
    const outcome = await rotate({ store, sealer, save: machine.save, createdAt: T })
      .then(() => "done", () => "failed");
    if (outcome === "done") writes.push(left);
    machine.writesLeft = Infinity;
    const after = await machine.open();
    for (let i = 0; i < 70; i++) assert.equal(valueIn(after.store, `s${i}`), `value ${i}`);
    const { key } = await rotate({ ...after, save: machine.save, createdAt: T });
    assert.ok(machine.keys.length === 1 && machine.keys[0]!.id === key);
    if (writes.length === 2) break;
  }
  assert.ok(writes[0]! >= 4, `it takes several writes, and all of them were cut off: ${writes}`);
});

Deno.test("a file of keys is read as it was written, and a damaged one is told without its content", () => {
  const keys = [newSecretKey(T), newSecretKey(T)];
  assert.deepEqual(secretKeysFrom(secretKeysText(keys)), keys);
  assert.deepEqual(mergedKeys(keys.slice(1), keys).map(({ id }) => id), [keys[1]!.id, keys[0]!.id]);
  for (const text of ["", "{}", '{"keys":[{"id":"00000000","key":"AAAA"}]}']) {
    assert.throws(
      () => secretKeysFrom(text),
      /^SecretKeysError: it is no file of keys, or damaged$/,
    );
  }
});
