import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FIRST_PORT,
  type LedPorts,
  ledText,
  PORTS_MAX,
  ServicePorts,
  USUAL_PORTS,
  withPorts,
} from "./service_ports.ts";

const NONE: LedPorts = new Map();
const port = fc.integer({ min: 1, max: 65_535 });

Deno.test("a port goes to the place that its number gives, or the next one that is free", () => {
  const cases: [wanted: number[], led: number[]][] = [
    [[80], [FIRST_PORT + 80]],
    [[PORTS_MAX - 1, PORTS_MAX], [FIRST_PORT + PORTS_MAX - 1, FIRST_PORT]],
    [[80, 80 + PORTS_MAX, 80 + 2 * PORTS_MAX], [80, 81, 82].map((at) => FIRST_PORT + at)],
    [[80 + PORTS_MAX, 80, 81], [80, 82, 81].map((at) => FIRST_PORT + at).toSorted()],
    [[PORTS_MAX - 1, 2 * PORTS_MAX - 1], [FIRST_PORT + PORTS_MAX - 1, FIRST_PORT]],
    [[65_535], [FIRST_PORT + 65_535 % PORTS_MAX]],
  ];
  for (const [wanted, led] of cases) {
    const found = [...withPorts(NONE, new Set(wanted)).values()];
    assert.deepEqual(found.toSorted(), led.toSorted(), `${wanted}`);
  }
});

Deno.test("each port has a place of its own, keeps it, and the order of asking makes no difference", () => {
  const ports = fc.uniqueArray(port, { maxLength: 40 });
  fc.assert(fc.property(ports, ports, (first, second) => {
    const one = withPorts(NONE, new Set(first));
    assert.deepEqual(withPorts(NONE, new Set(first.toReversed())), one);
    const both = withPorts(one, new Set(second));
    for (const [port, led] of one) assert.equal(both.get(port), led);
    assert.deepEqual(new Set(both.keys()), new Set([...first, ...second]));
    assert.equal(new Set(both.values()).size, both.size);
    for (const led of both.values()) assert.ok(led >= FIRST_PORT && led < FIRST_PORT + PORTS_MAX);
    assert.equal(withPorts(both, new Set(first)), both);
  }));
});

Deno.test("when there are no more places, ports that are not wanted give way", () => {
  const all = Array.from({ length: PORTS_MAX }, (_, i) => i + 1);
  const full = withPorts(NONE, new Set(all));
  assert.equal(full.size, PORTS_MAX);
  const next = withPorts(full, new Set([1, 2, 60_000]));
  assert.deepEqual([...next.keys()], [1, 2, 60_000]);
  assert.equal(next.get(1), full.get(1));
  assert.equal(withPorts(NONE, new Set([...all, 60_000])).size, PORTS_MAX);
});

Deno.test("rules lead only what is sent to services, and refuse the rest of it", () => {
  const text = ledText("cora0", "10.43.0.0/16", new Map([[80, 61_080], [53, 61_053]]));
  const rules = text.split("\n").filter((line) => line.startsWith("add rule"));
  assert.equal(rules.length, 6);
  for (const rule of rules) assert.match(rule, / ip daddr 10\.43\.0\.0\/16 /);
  assert.match(
    text,
    /\nflush map ip cora0 ports\nadd element ip cora0 ports \{ 80 : 61080, 53 : 61053 \}\n$/,
  );
  assert.match(ledText("cora0", "10.43.0.0/16", NONE), /flush map ip cora0 ports\n$/);
});

Deno.test("ports that cannot be led are listened on as they are", async () => {
  let led: LedPorts | undefined = withPorts(NONE, new Set(USUAL_PORTS));
  let asked = 0;
  let works = true;
  const ports = new ServicePorts("10.43.0.0/16", {
    get led() {
      return led;
    },
    lead(next) {
      asked++;
      if (works) led = next;
      return Promise.resolve();
    },
  });
  assert.equal(ports.portFor(53), FIRST_PORT + 53);
  assert.equal(ports.portFor(80), 80);
  assert.equal((await ports.lead(new Set([443]))).get(443), FIRST_PORT + 443);
  assert.equal(asked, 0, "nothing is new");
  const [one, two] = await Promise.all([ports.lead(new Set([80])), ports.lead(new Set([80, 81]))]);
  assert.equal(one.get(80), FIRST_PORT + 80);
  assert.equal(two.get(81), FIRST_PORT + 81);
  assert.equal(asked, 2);
  works = false;
  const three = await ports.lead(new Set([80, 90]));
  assert.deepEqual([three.get(80), three.get(90)], [FIRST_PORT + 80, undefined]);
  led = undefined;
  assert.equal((await ports.lead(new Set([80]))).size, 0);
  assert.equal(ports.portFor(53), 53);
});
