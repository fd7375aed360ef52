import assert from "node:assert/strict";
import type { Phase } from "./deadlines.ts";
import { HANDSHAKES_MAX } from "./limits.ts";
import {
  authenticatedToEvict,
  heaviestToEvict,
  patienceMs,
  type Place,
  unauthenticatedToEvict,
} from "./places.ts";

const LIMITS = {
  unauthenticatedMax: 4,
  unauthenticatedPerAddressMax: 2,
  authenticatedMax: 4,
  authenticatedPerUserMax: 2,
};

interface Named extends Place {
  name: string;
}

/** As in `a idle 10.0.0.1`: the earlier it stands in the list, the longer it has been in its phase. */
function placesOf(lines: readonly string[]): Set<Named> {
  return new Set(lines.map((line, phaseSinceMs) => {
    const [name, phase, address] = line.split(" ") as [string, Phase, string];
    return { name, phase, address: address ?? "x", phaseSinceMs };
  }));
}

const STRANGERS: readonly { there: string[]; from: string; goes: string | undefined }[] = [
  { there: [], from: "A", goes: undefined },
  { there: ["a idle A"], from: "A", goes: undefined },
  { there: ["a idle A", "b idle A"], from: "B", goes: undefined },
  // an address that has all its places makes room itself
  { there: ["a idle A", "b idle A"], from: "A", goes: "a" },
  { there: ["a handshake A", "b idle A"], from: "A", goes: "b" },
  { there: ["a request A", "b head A"], from: "A", goes: "b" },
  { there: ["c idle B", "a request A", "b request A"], from: "A", goes: "a" },
  // all places are taken
  { there: ["a idle A", "b idle A", "c idle B", "d idle C"], from: "D", goes: "a" },
  { there: ["a request A", "b handshake A", "c head B", "d idle C"], from: "D", goes: "d" },
  { there: ["a request A", "b handshake A", "c head B", "d closing C"], from: "D", goes: "d" },
  { there: ["a request A", "b request A", "c request B", "d handshake C"], from: "D", goes: "d" },
];

Deno.test("a stranger too many takes the place of one that does the least, of its own address first", () => {
  for (const { there, from, goes } of STRANGERS) {
    assert.equal(unauthenticatedToEvict(placesOf(there), from, LIMITS)?.name, goes, there.join());
  }
});

const KNOWN: readonly { there: string[]; goes: string | undefined }[] = [
  { there: ["a request", "b idle", "c idle"], goes: undefined },
  { there: ["a idle", "b idle", "c request", "d request"], goes: "a" },
  { there: ["a request", "b idle", "c request", "d request"], goes: "b" },
  // nobody's request is cut off for another
  { there: ["a request", "b request", "c request", "d request"], goes: "new" },
];

/** As in `a request NODE`; who comes is of the node `edge`. */
const OF_NODE: typeof KNOWN = [
  { there: ["a request edge", "b request"], goes: undefined },
  { there: ["a request edge", "b request edge"], goes: "new" },
  { there: ["a request edge", "b idle edge", "c idle other"], goes: "b" },
  { there: ["a idle", "b idle other", "c request other"], goes: undefined },
];

Deno.test("a node that has taken its places takes no more of those of others", () => {
  const ofUsers = (lines: readonly string[]) =>
    new Set([...placesOf(lines)].map((place) => ({
      ...place,
      user: place.address === "x" ? undefined : place.address,
    })));
  for (const { there, goes } of OF_NODE) {
    const [newcomer] = ofUsers(["new request edge"]);
    assert.equal(authenticatedToEvict(ofUsers(there), newcomer!, LIMITS)?.name, goes, there.join());
  }
});

Deno.test("one that is authenticated takes the place of the one that is idle the longest, never that of a request", () => {
  for (const { there, goes } of KNOWN) {
    const [newcomer] = placesOf(["new request"]);
    assert.equal(
      authenticatedToEvict(placesOf(there), newcomer!, LIMITS)?.name,
      goes,
      there.join(),
    );
  }
});

Deno.test("what waits for unauthenticated clients is bounded in sum: the connection with the most goes first", () => {
  const waiting = (...bytes: number[]) => bytes.map((waitingBytes) => ({ waitingBytes }));
  const closed = (bytes: number[], max: number) =>
    heaviestToEvict(waiting(...bytes), max).map(({ waitingBytes }) => waitingBytes);
  assert.deepEqual(closed([], 10), []);
  assert.deepEqual(closed([5, 5], 10), []);
  assert.deepEqual(closed([5, 6], 10), [6]);
  assert.deepEqual(closed([1, 20, 3, 30], 10), [30, 20]);
});

Deno.test("newcomers wait while all places of handshakes are taken by those who have just come", () => {
  const since = (ms: number) => ({ phaseSinceMs: ms });
  const places = Array.from({ length: HANDSHAKES_MAX }, (_, i) => since(1_000 + i));
  const patience = (taken: number, nowMs: number) =>
    patienceMs(new Set(places.slice(0, taken)), { nowMs, handshakeMs: 10_000 });
  assert.equal(patience(HANDSHAKES_MAX - 1, 1_000), 0);
  assert.equal(patience(HANDSHAKES_MAX, 1_000), 250);
  assert.equal(patience(HANDSHAKES_MAX, 1_250), 0);
});
