import assert from "node:assert/strict";
import { ApiError } from "../../core/client/api_error.ts";
import { ServerTime } from "../../core/client/server_time.ts";
import {
  createAuthority,
  issueClient,
  signRequest,
} from "../../core/api/access/pki_certificates.ts";
import type { KeyPair } from "../../core/api/access/pki_certificates.ts";
import { certificateRequestOf } from "../../core/lib/der/certificate_request.ts";
import { silentLog } from "../../core/lib/log.ts";
import { Random } from "../../core/lib/random.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { identityOf, readIdentity } from "./identity.ts";
import { IdentityKeeper } from "./identity_keeper.ts";

const DAY_MS = 86_400_000;
const SERVER_NOW = Date.parse("2026-12-01T00:00:00Z");
const SUBJECT = { commonName: "system:node:edge", organization: "system:nodes" };
const USAGES = ["digital signature", "client auth"];

/** A server that signs at once, for ten days from its own now on. `refusals`: what it answers first. */
class Signer {
  readonly #authority: KeyPair;
  readonly #now: () => number;
  readonly refusals: Error[] = [];
  signed = 0;
  #pem = "";

  constructor(authority: KeyPair, now: () => number) {
    this.#authority = authority;
    this.#now = now;
  }

  ask({ method, body }: { method: string; body?: unknown }): Promise<unknown> {
    const refusal = this.refusals.shift();
    if (refusal) return Promise.reject(refusal);
    if (method === "POST") {
      const { spec } = body as { spec: { request: string } };
      const request = certificateRequestOf(atob(spec.request));
      this.#pem = signRequest(this.#authority, request, USAGES, this.#now() + 10 * DAY_MS);
      this.signed++;
    }
    return Promise.resolve({ metadata: {}, status: { certificate: btoa(this.#pem) } });
  }
}

async function kept(ownClock: string, { chance = 0 } = {}) {
  const clock = new VirtualClock(Date.parse(ownClock));
  const time = new ServerTime(clock);
  const authority = await createAuthority("ca");
  const startMs = clock.elapsed();
  const serverNow = () => SERVER_NOW + clock.elapsed() - startMs;
  const signer = new Signer(authority, serverNow);
  const pair = await issueClient(authority, SUBJECT, SERVER_NOW + 10 * DAY_MS);
  const servers = ["https://a:1"];
  const parts = { servers, caPem: authority.certificate, pair, issuedMs: SERVER_NOW };
  const dataFolder = await Deno.makeTempDir();
  const random = { next: () => chance } as Random;
  const log = silentLog(clock);
  const identity = identityOf(parts, "");
  const keeper = new IdentityKeeper({ identity, dataFolder, time, clock, random, log });
  const stop = new AbortController();
  const running = keeper.run(signer, stop.signal).catch(() => {});
  const end = async () => {
    stop.abort();
    await running;
  };
  const heard = () => time.heard(new Date(serverNow()).toUTCString());
  return { clock, keeper, signer, dataFolder, heard, end, before: identity };
}

Deno.test("a certificate is renewed between 70 and 90 % of its life, by the server's clock, whatever the machine's shows", async () => {
  for (const own of ["1970-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2040-01-01T00:00:00Z"]) {
    for (const [chance, dueDays] of [[0, 7], [1, 9]] as const) {
      const { clock, keeper, signer, heard, end } = await kept(own, { chance });
      heard();
      assert.equal(Math.round((keeper.dueMs - SERVER_NOW) / 1_000), dueDays * DAY_MS / 1_000);
      await clock.advance(dueDays * DAY_MS - 60_000);
      assert.equal(signer.signed, 0, `${own}, before`);
      await clock.advance(120_000);
      await until(() => signer.signed === 1);
      await end();
    }
  }
});

Deno.test("until the server has been heard nothing is renewed: the machine's clock may be decades off", async () => {
  const { clock, signer, end } = await kept("2040-01-01T00:00:00Z");
  await clock.advance(3_600_000);
  assert.equal(signer.signed, 0);
  await end();
});

Deno.test("the new pair is on the disk before anybody uses it, and the next renewal follows", async () => {
  const { clock, keeper, signer, dataFolder, heard, end, before } = await kept(
    "2026-12-01T00:00:00Z",
  );
  const told: string[] = [];
  keeper.onChange((identity) => told.push(identity.pair.certificate));
  heard();
  await clock.advance(7 * DAY_MS + 60_000);
  await until(() => told.length === 1);
  const after = keeper.current();
  assert.notEqual(after.pair.certificate, before.pair.certificate);
  assert.notEqual(after.pair.key, before.pair.key);
  assert.deepEqual(await readIdentity(dataFolder), after);
  assert.deepEqual(told, [after.pair.certificate]);
  await until(() => clock.pending > 0);
  await clock.advance(7 * DAY_MS + 60_000);
  await until(() => signer.signed === 2);
  await end();
});

Deno.test("what is refused or does not come through is tried again, with the identity that it has", async () => {
  const { clock, keeper, signer, heard, end, before } = await kept("2026-12-01T00:00:00Z");
  signer.refusals.push(new ApiError("Unauthorized", "Unauthorized"), new Error("cut"));
  heard();
  await clock.advance(7 * DAY_MS);
  await until(() => signer.refusals.length < 2 && clock.pending > 0);
  assert.equal(keeper.current(), before);
  await clock.advance(1_000);
  await until(() => signer.refusals.length === 0 && clock.pending > 0);
  assert.equal(keeper.current(), before);
  await clock.advance(2_000);
  await until(() => keeper.current() !== before);
  assert.equal(signer.signed, 1);
  await end();
});

/** Resolves when that has come true; work on real files takes as long as it takes. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((done) => setTimeout(done, 1));
}
