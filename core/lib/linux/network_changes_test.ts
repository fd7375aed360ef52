import assert from "node:assert/strict";
import { SystemClock } from "../clock.ts";
import { NetworkChanges } from "./network_changes.ts";
import { Libc } from "./libc.ts";
import { addNamespace, inNamespace, removeNamespace } from "./network_namespace.ts";
import { Netlink } from "./netlink.ts";
import { rulesGeneration } from "./nftables.ts";
import { programPath } from "./program.ts";
import {
  addAddress,
  addBridge,
  addRoute,
  deleteLink,
  deleteRoute,
  type Route,
  setUp,
} from "./rtnetlink.ts";

const libc = Deno.uid() === 0 ? Libc.open() : undefined;
const nft = programPath("nft");
const hint = libc && nft ? "" : " (needs root and: apt-get install nftables)";
/** Long enough for the kernel to tell what it tells at once. */
const HEARD_MS_MAX = 2_000;
const SILENT_MS = 700;

Deno.test({
  name: `what is taken away from the network is told, what is added is not${hint}`,
  ignore: hint !== "",
  async fn() {
    await inOwnNetwork(async ({ news, netlink }) => {
      const route: Route = { destination: "10.9.9.9/32", device: 1 };
      netlink.run(setUp(1), "set lo up");
      assert.ok(await isHeard(news), "a link whose state changed");
      netlink.run(addAddress("10.9.9.1", 1), "add an address");
      netlink.run(addRoute(route), "add a route");
      assert.ok(!await isHeard(news, SILENT_MS), "additions are told");
      netlink.run(addRoute({ ...route, source: "10.9.9.1" }), "replace the route");
      assert.ok(await isHeard(news), "a route that was replaced");
      netlink.run(deleteRoute(route), "delete the route");
      assert.ok(await isHeard(news), "a route that was deleted");
      netlink.run(addBridge("cv01"), "add a pod's link");
      assert.ok(!await isHeard(news, SILENT_MS), "the setting up of a pod is told");
      netlink.run(deleteLink("cv01"), "delete the link");
      assert.ok(await isHeard(news), "a link that was deleted");
    });
  },
});

Deno.test({
  name: `each change of the firewall's rules is told, and counted${hint}`,
  ignore: hint !== "",
  async fn() {
    await inOwnNetwork(async ({ news, path }) => {
      const before = inNamespace(libc!, path, () => rulesGeneration(libc!));
      const heard = isHeard(news);
      const { success } = await new Deno.Command("nsenter", {
        args: [`--net=${path}`, nft!, "add table ip something"],
      }).output();
      assert.ok(success);
      assert.ok(await heard);
      assert.notEqual(inNamespace(libc!, path, () => rulesGeneration(libc!)), before);
    });
  },
});

interface Lab {
  news: NetworkChanges;
  netlink: Netlink;
  path: string;
}

async function inOwnNetwork(act: (lab: Lab) => Promise<void>): Promise<void> {
  await Deno.mkdir("/run/netns", { recursive: true });
  const path = `/run/netns/news-${Deno.pid}`;
  addNamespace(libc!, path);
  const lab = inNamespace(libc!, path, () => ({
    news: new NetworkChanges(libc!, new SystemClock()),
    netlink: new Netlink(libc!),
    path,
  }));
  try {
    await act(lab);
  } finally {
    await lab.news.close();
    await lab.news.close();
    lab.netlink.close();
    removeNamespace(libc!, path);
  }
}

/** Whether there are news within the time; all that belongs to one change is taken together. */
async function isHeard(news: NetworkChanges, withinMs = HEARD_MS_MAX): Promise<boolean> {
  const heard = Promise.withResolvers<boolean>();
  const stop = news.subscribe(() => heard.resolve(true));
  const timer = setTimeout(() => heard.resolve(false), withinMs);
  const isHeard = await heard.promise;
  clearTimeout(timer);
  stop();
  return isHeard;
}
