import assert from "node:assert/strict";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { newSecretKey } from "../../core/store/encryption/secret_keys.ts";
import { Checkpoint } from "./checkpoint.ts";
import { CheckpointTokens } from "./checkpoint_tokens.ts";
import { FaultyDisk } from "./faulty_disk.ts";
import { OWN_SECRETS } from "./own_kinds.ts";

const WANTED = { audience: "https://vault/a b", expirationSeconds: 600 };

Deno.test("a token is kept, encrypted, and written again only when half of its life is over", async () => {
  const [disk, clock] = [new FaultyDisk(), new VirtualClock()];
  const key = newSecretKey("2026-12-01T00:00:00Z");
  const open = () =>
    Checkpoint.open({
      ...{ disk, key, cluster: "home", clock, log: silentLog(clock) },
      isSecret: ([resource]) => OWN_SECRETS.includes(resource),
    });
  const checkpoint = await open();
  const tokens = new CheckpointTokens(checkpoint, clock);
  const given = async (token: string, endsAtMs: number) => {
    tokens.keep(WANTED, { token, podUid: "u1", renewAtMs: endsAtMs - 100, endsAtMs });
    await checkpoint.flush();
    return tokens.get("u1", WANTED)?.token;
  };
  assert.equal(await given("first", 1_000), "first");
  await clock.advance(499);
  assert.equal(await given("second", 1_499), "first");
  await clock.advance(1);
  assert.equal(await given("third", 1_500), "third");
  const again = new CheckpointTokens(await open(), clock);
  assert.equal(again.get("u1", WANTED)?.token, "third");
  assert.equal(again.get("u1", { ...WANTED, audience: "" }), undefined);
  assert.equal(again.get("u2", WANTED), undefined);
  const text = [...disk.files.values()].map((bytes) => new TextDecoder().decode(bytes)).join();
  assert.ok(!text.includes("third"));
  tokens.forget("u2");
  assert.equal(tokens.get("u1", WANTED)?.token, "third");
  tokens.forget("u1");
  assert.equal(tokens.get("u1", WANTED), undefined);
});
