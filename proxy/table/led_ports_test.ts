import assert from "node:assert/strict";
import { ledTable } from "./led_ports.ts";
import { EMPTY_TABLE, type Listener } from "./route_table.ts";

Deno.test("listeners at addresses of services move to the ports that connections are led to", async () => {
  const asked: number[][] = [];
  const leader = {
    range: "10.43.0.0/16",
    lead(ports: ReadonlySet<number>) {
      asked.push([...ports]);
      return Promise.resolve(new Map([[80, 61_080], [53, 61_053]]));
    },
  };
  const rows: [Listener["protocol"], address: string, port: number, then: number][] = [
    ["TCP", "10.43.0.7", 80, 61_080],
    ["UDP", "10.43.0.7", 53, 61_053],
    ["TCP", "10.43.255.255", 81, 81], // the kernel cannot
    ["TCP", "10.44.0.0", 80, 80],
    ["TCP", "10.42.255.255", 80, 80],
    ["TCP", "0.0.0.0", 80, 80],
    ["HTTP", "10.43.0.7", 80, 80],
    ["TCP", "fd00::1", 80, 80],
  ];
  const listeners = rows.map(([protocol, address, port], i) =>
    ({
      ...{ protocol, address, port, name: `${i}`, backend: 0, hosts: [] },
    }) as unknown as Listener
  );
  const table = { ...EMPTY_TABLE, listeners };
  const led = await ledTable(table, leader);
  assert.deepEqual(led.listeners.map(({ port }) => port), rows.map(([, , , then]) => then));
  assert.deepEqual(asked, [[80, 53, 81]]);
  assert.equal(table.listeners[0]!.port, 80, "the table that was given is as it was");
});
