import assert from "node:assert/strict";
import fc from "fast-check";
import { AssertionError } from "../../lib/assert.ts";
import { persistentVolumeClaims } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import type { Plan } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { claimBinding } from "./claim_binding.ts";
import { volumePhases } from "./volume_phases.ts";

const NAMES = ["a", "b", "c"];
const SIZES = ["1Gi", "2Gi", "3Gi"];
const MODES = [["ReadWriteOnce"], ["ReadWriteOnce", "ReadWriteMany"]];

/** Something that a user does, or a step of a controller: `kind`, and which object with which fields. */
const step = fc.record({
  kind: fc.constantFrom(
    ...["volume", "claim", "reserve", "name", "takeVolume", "takeClaim"] as const,
    ...[
      "decideClaim",
      "decideClaim",
      "decideVolume",
      "perform",
      "perform",
      "perform",
      "settle",
    ] as const,
  ),
  name: fc.constantFrom(...NAMES),
  other: fc.constantFrom(...NAMES),
  size: fc.constantFrom(...SIZES),
  modes: fc.constantFrom(...MODES),
  pick: fc.nat(20),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Decisions lie for a while before they are done, as those of workers that run at once. */
class World {
  readonly cluster = new TestCluster();
  readonly #made: Plan[] = [];
  /** The uid of the claim that each volume was bound to, by the uid of the volume. */
  readonly #owners = new Map<string, string>();

  take({ kind, name, other, size, modes, pick }: Step): void {
    const claimName = { namespace: "default", name };
    const volumes = { capacity: { storage: size }, accessModes: modes, hostPath: { path: "/x" } };
    const claims = { resources: { requests: { storage: size } }, accessModes: [modes[0]!] };
    switch (kind) {
      case "volume":
        return this.#create(() =>
          this.cluster.put(persistentVolumes, { metadata: { name }, spec: volumes })
        );
      case "reserve": {
        const claimRef = { namespace: "default", name: other };
        return this.#create(() =>
          this.cluster.put(persistentVolumes, {
            metadata: { name },
            spec: { ...volumes, claimRef },
          })
        );
      }
      case "claim":
        return this.#createClaim(name, claims);
      case "name":
        return this.#createClaim(name, { ...claims, volumeName: other });
      case "takeVolume":
        return this.cluster.take(persistentVolumes, { name });
      case "takeClaim":
        return this.cluster.take(persistentVolumeClaims, claimName);
      case "settle":
        return this.settle();
      case "decideClaim":
        return void this.#made.push(this.cluster.planOf(claimBinding, claimName));
      case "decideVolume":
        return void this.#made.push(this.cluster.planOf(volumePhases, { name }));
      case "perform":
        return this.#perform(this.#made.splice(pick % (this.#made.length || 1), 1)[0]);
    }
    function never(_: never): void {}
    never(kind);
  }

  settle(): void {
    this.cluster.settle([claimBinding, volumePhases]);
  }

  /** What must hold at any time. */
  checkAlways(): void {
    const claims = this.cluster.list(persistentVolumeClaims);
    for (const { metadata: { name, uid }, spec, status } of this.cluster.list(persistentVolumes)) {
      const [before, owner] = [this.#owners.get(uid), spec.claimRef?.uid];
      // One that its claim has not taken, because it has got another one meanwhile, is let go of.
      if (status.phase === "Bound" && owner !== undefined) {
        assert.ok(!before || before === owner, `volume ${name} went to another claim`);
        this.#owners.set(uid, owner);
      }
      const bound = claims.filter((claim) =>
        claim.spec.volumeName === name && claim.status.phase === "Bound" && spec.claimRef
      );
      assert.ok(bound.length <= 1, `volume ${name} is bound to ${bound.length} claims`);
    }
  }

  /** What must hold when all is done. */
  checkAtRest(): void {
    const volumes = this.cluster.list(persistentVolumes);
    for (const { metadata, spec, status } of this.cluster.list(persistentVolumeClaims)) {
      const mine = volumes.filter((volume) => volume.spec.claimRef?.uid === metadata.uid);
      assert.ok(mine.length <= 1, `claim ${metadata.name} has ${mine.length} volumes`);
      if (status.phase !== "Bound") continue;
      assert.equal(mine[0]?.metadata.name, spec.volumeName);
      assert.equal(mine[0]?.status.phase, "Bound");
    }
    for (const { metadata, spec, status } of volumes) {
      if (status.phase !== "Bound") continue;
      const { namespace = "", name = "", uid } = spec.claimRef!;
      const claim = this.cluster.get(persistentVolumeClaims, { namespace, name });
      assert.equal(claim?.metadata.uid, uid);
      assert.equal(claim?.spec.volumeName, metadata.name);
    }
  }

  #createClaim(name: string, spec: object): void {
    this.#create(() => this.cluster.put(persistentVolumeClaims, { metadata: { name }, spec }), {
      isClaim: true,
      name,
    });
  }

  /** Names are taken as long as there is something of that name. */
  #create(put: () => unknown, claim?: { isClaim: true; name: string }): void {
    if (claim && this.cluster.get(persistentVolumeClaims, { namespace: "default", ...claim })) {
      return;
    }
    put();
  }

  /** What is decided on an old version is refused. */
  #perform(plan: Plan | undefined): void {
    try {
      if (plan) this.cluster.perform(plan);
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
    }
  }
}

Deno.test("a volume is never bound to two claims, nor a claim to two volumes, in whatever order things happen", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const world = new World();
      for (const each of steps) {
        world.take(each);
        world.checkAlways();
      }
      world.settle();
      world.checkAlways();
      world.checkAtRest();
    }),
    { numRuns: 500 },
  );
});

Deno.test("a volume whose claim has got the one that was reserved for it goes to the next claim", () => {
  const world = new World();
  const given = { other: "a", size: "1Gi", modes: MODES[0]!, pick: 0 };
  const steps: readonly [Step["kind"], string][] = [
    ["volume", "c"],
    ["decideVolume", "c"],
    ["perform", ""],
    ["claim", "a"],
    ["decideClaim", "a"], // to take c
    ["reserve", "a"],
    ["claim", "b"],
    ["perform", ""],
    ["settle", ""],
  ];
  for (const [kind, name] of steps) world.take({ ...given, kind, name });
  world.checkAtRest();
  const volumes = world.cluster.list(persistentVolumes)
    .map(({ metadata, spec }) => [metadata.name, spec.claimRef?.name]);
  assert.deepEqual(volumes, [["a", "a"], ["c", "b"]]);
});
