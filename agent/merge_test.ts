import assert from "node:assert/strict";
import { conditionOf } from "../core/resources/conditions.ts";
import { leases } from "../core/resources/coordination/leases.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import { SettableClock } from "../tests/simulation/settable_clock.ts";
import { isReady, NodeUnderTest, type PodDraft } from "./agent_fixture.ts";
import { CutOff } from "./cut_off_fixture.ts";

const IMPATIENT = { spec: { terminationGracePeriodSeconds: 1 } };
const HOUR = 3_600_000;

/** A node with pods that run, whose connection can be cut. */
class Site implements AsyncDisposable {
  private constructor(readonly node: NodeUnderTest, readonly link: CutOff) {}

  static async start(...drafts: PodDraft[]): Promise<Site> {
    const node = await NodeUnderTest.start();
    const link = new CutOff(node.client, [pods, nodes, leases]);
    node.more = { view: link, client: link.client, isViewCurrent: () => !link.isCut };
    await node.restart();
    const site = new Site(node, link);
    for (const draft of [{ name: "other" }, ...drafts]) {
      await node.create({ ...IMPATIENT, ...draft });
    }
    await site.until(() => node.client.list(pods).every(isReady));
    return site;
  }

  until(condition: () => boolean): Promise<void> {
    return this.node.until(condition, 120_000);
  }

  /** Ids of the containers that run, of a pod or of all. */
  running(name?: string): string[] {
    return this.node.runtime.containers
      .filter(({ state, podName }) => state === "running" && (name ?? podName) === podName)
      .map(({ id }) => id);
  }

  /** A minute on, with everything that is due: not all at once. */
  async pass(): Promise<void> {
    await pause(this.node);
  }

  phase(name: string): string | undefined {
    return this.node.pod(name)?.status.phase;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.node[Symbol.asyncDispose]();
  }
}

/**
 * Each row: what there is, what happens while the connection is cut, and how it is in the end. A pod `other` runs
 * besides, untouched: its container must be the same in all of them.
 */
interface Row {
  pods?: PodDraft[];
  /** What an administrator or a controller does, and what happens on the node, while they do not hear of each other. */
  meanwhile(site: Site): Promise<void> | void;
  /** Called after some minutes with the connection; gets the ids that ran before the cut. */
  then(site: Site, before: readonly string[]): Promise<void> | void;
}

async function pause(node: NodeUnderTest): Promise<void> {
  await node.settle(node.clock.sleep(50_000));
}

const WEB = { namespace: "default", name: "web" };

const ROWS: Record<string, Row> = {
  "nothing changed": {
    meanwhile: () => {},
    then: (site, before) => {
      assert.deepEqual(site.running("web"), before);
      assert.equal(site.node.restarts("web"), 0);
      assert.ok(isReady(site.node.pod("web")));
    },
  },
  "deleted meanwhile": {
    meanwhile: ({ node }) => node.client.delete(pods, WEB),
    then: (site) => {
      assert.deepEqual(site.running("web"), []);
      assert.equal(site.node.pod("web"), undefined, "its end is confirmed");
    },
  },
  "deleted by force meanwhile": {
    meanwhile: ({ node }) => node.client.delete(pods, WEB, { gracePeriodSeconds: 0 }),
    then: (site) => assert.deepEqual(site.running("web"), []),
  },
  "rescheduled meanwhile": {
    async meanwhile({ node }) {
      await node.client.delete(pods, WEB);
      await node.create({ name: "web-again", spec: { nodeName: "node-b" } });
    },
    then(site) {
      assert.deepEqual(site.running("web"), []);
      assert.deepEqual(site.running("web-again"), [], "that one is another node's");
      assert.notEqual(site.node.pod("web-again"), undefined);
    },
  },
  "marked as failed meanwhile": {
    async meanwhile({ node }) {
      const pod = node.pod("web")!;
      const status: Pod["status"] = { ...pod.status, phase: "Failed" };
      await node.client.updateStatus(pods, { ...pod, status });
    },
    then(site) {
      assert.deepEqual(site.running("web"), []);
      assert.equal(site.phase("web"), "Failed", "what has finished does not run again");
    },
  },
  "marked as not ready meanwhile": {
    async meanwhile({ node }) {
      const pod = node.pod("web")!;
      const conditions = pod.status.conditions!.map((each) =>
        each.type === "Ready" ? { ...each, status: "False" as const } : each
      );
      await node.client.updateStatus(pods, { ...pod, status: { ...pod.status, conditions } });
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      assert.ok(isReady(site.node.pod("web")), "the node knows better");
    },
  },
  "image changed meanwhile": {
    pods: [{ name: "web", spec: {}, container: {} }],
    meanwhile: ({ node }) => node.setImage("web", "app:2"),
    then(site, before) {
      assert.equal(site.running("web").length, 1);
      assert.notDeepEqual(site.running("web"), before);
      assert.equal(site.node.restarts("web"), 1);
    },
  },
  "labels changed meanwhile": {
    async meanwhile({ node }) {
      const pod = node.pod("web")!;
      const metadata = { ...pod.metadata, labels: { tier: "x" }, annotations: { note: "y" } };
      await node.client.update(pods, { ...pod, metadata });
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      assert.equal(site.node.pod("web")!.metadata.labels!["tier"], "x");
    },
  },
  "resized meanwhile": {
    pods: [{ name: "web", container: { resources: { requests: { cpu: "100m" } } } }],
    async meanwhile({ node }) {
      const pod = node.pod("web")!;
      const containers = pod.spec.containers.map((each) => ({
        ...each,
        resources: { requests: { cpu: "200m" } },
      }));
      await node.client.act(pods, WEB, "resize", { ...pod, spec: { ...pod.spec, containers } });
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      const [status] = site.node.pod("web")!.status.containerStatuses!;
      assert.equal(status!.resources?.requests?.["cpu"], "200m");
    },
  },
  "finished meanwhile": {
    pods: [{ name: "web", spec: { restartPolicy: "Never" } }],
    async meanwhile(site) {
      site.node.runtime.kill(site.running("web")[0]!, 0);
      await site.pass();
      assert.equal(site.phase("web"), "Running", "nobody has heard of it yet");
    },
    then(site) {
      assert.equal(site.phase("web"), "Succeeded");
      assert.deepEqual(site.running("web"), []);
      const { terminated } = site.node.pod("web")!.status.containerStatuses![0]!.state;
      const agoMs = site.node.clock.now() - Date.parse(terminated!.finishedAt!);
      assert.ok(agoMs > 90_000, "the time of its end is its own");
    },
  },
  "crashed meanwhile": {
    async meanwhile(site) {
      site.node.runtime.kill(site.running("web")[0]!, 1);
      await site.until(() => site.running("web").length === 1);
    },
    then: (site) => assert.equal(site.node.restarts("web"), 1, "it was started again, once"),
  },
  "deleted and finished at once": {
    pods: [{ name: "web", spec: { restartPolicy: "Never" } }],
    async meanwhile(site) {
      site.node.runtime.kill(site.running("web")[0]!, 0);
      await site.node.client.delete(pods, WEB);
    },
    then(site) {
      assert.equal(site.node.pod("web"), undefined);
      assert.deepEqual(site.running("web"), []);
    },
  },
  "image changed and crashed at once": {
    async meanwhile(site) {
      site.node.runtime.kill(site.running("web")[0]!, 1);
      await site.node.setImage("web", "app:2");
      await site.pass();
    },
    then(site) {
      const running = site.node.runtime.containers.filter(({ podName, state }) =>
        podName === "web" && state === "running"
      );
      assert.deepEqual(running.map(({ image }) => image), ["app:2"]);
    },
  },
  "same name, new uid": {
    async meanwhile({ node }) {
      await node.client.delete(pods, WEB, { gracePeriodSeconds: 0 });
      const { runtime } = node;
      runtime.images.set("app:1", { heedsSigterm: false }); // the old one takes all the time that it has
      const create = runtime.create.bind(runtime);
      runtime.create = (spec) => {
        const isOldRunning = runtime.containers.some(({ podName, state }) =>
          podName === "web" && state === "running"
        );
        assert.ok(!isOldRunning, "two pods of one name run");
        return create(spec);
      };
      await node.create({ ...IMPATIENT, name: "web", image: "app:2" });
    },
    then(site, before) {
      assert.equal(site.running("web").length, 1);
      assert.notDeepEqual(site.running("web"), before);
      assert.ok(isReady(site.node.pod("web")));
    },
  },
  "node deleted meanwhile": {
    meanwhile: ({ node }) => node.client.delete(nodes, { name: "node-a" }),
    then(site, before) {
      const node = site.node.client.get(nodes, { name: "node-a" });
      assert.equal(conditionOf(node?.status.conditions, "Ready")?.status, "True", "it is back");
      assert.deepEqual(site.running("web"), before, "its pods were still there");
    },
  },
  "node deleted meanwhile, with its pods": {
    async meanwhile({ node }) {
      await node.client.delete(nodes, { name: "node-a" });
      await node.client.delete(pods, WEB, { gracePeriodSeconds: 0 });
    },
    then: (site) => assert.deepEqual(site.running("web"), []),
  },
  "server restored from an older backup": {
    async meanwhile({ node, link }) {
      // Its backup is of before `web`, and has `gone`, which has been deleted since.
      await node.client.delete(pods, WEB, { gracePeriodSeconds: 0 });
      await node.create({ ...IMPATIENT, name: "gone" });
      const other = node.pod("other")!;
      const status: Pod["status"] = { ...other.status, conditions: [], containerStatuses: [] };
      await node.client.updateStatus(pods, { ...other, status });
      assert.ok(link.isCut);
    },
    then(site) {
      assert.deepEqual(site.running("web"), [], "nobody wants it any more");
      assert.equal(site.running("gone").length, 1);
      assert.ok(isReady(site.node.pod("other")), "it is told anew");
    },
  },
  "agent restored from an older checkpoint": {
    async meanwhile({ node, link }) {
      const kept = link.kept(pods).filter(({ metadata }) => metadata.name !== "web");
      link.showKept(new Map([[pods, kept]]));
      await node.restart();
      await pause(node);
    },
    then: (site, before) => assert.deepEqual(site.running("web"), before, "it was right all along"),
  },
  "agent restored from an older checkpoint, with a pod that has gone": {
    async meanwhile({ node, link }) {
      const old = {
        ...link.kept(pods)[0]!,
        metadata: { ...node.pod("web")!.metadata, uid: "old", name: "old" },
      };
      link.showKept(new Map([[pods, [...link.kept(pods), old]]]));
      await node.restart();
      await pause(node);
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      assert.deepEqual(site.running("old"), [], "it ends when the server is heard again");
    },
  },
  "agent started again meanwhile": {
    async meanwhile({ node }) {
      await node.restart();
      await pause(node);
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      assert.equal(site.node.restarts("web"), 0);
    },
  },
  "machine started again meanwhile": {
    async meanwhile(site) {
      await site.node.halt();
      for (const id of site.running()) site.node.runtime.kill(id, 137);
      await site.node.restart();
      await site.until(() => site.running().length === 2);
    },
    then(site) {
      assert.equal(site.node.restarts("web"), 1);
      assert.equal(site.running("web").length, 1);
    },
  },
  "clock of the agent wrong": {
    async meanwhile({ node, link }) {
      const clock = new SettableClock(node.clock);
      clock.set(10 * 365 * 24 * HOUR);
      node.more = { ...node.more, clock };
      await node.restart();
      assert.ok(link.isCut);
    },
    then(site, before) {
      assert.deepEqual(site.running("web"), before);
      assert.ok(isReady(site.node.pod("web")));
    },
  },
};

/** Rows in which `other` is not left alone. */
const TOUCH_OTHER = ["machine started again meanwhile"];

for (const [name, row] of Object.entries(ROWS)) {
  Deno.test(`after a cut: ${name}`, async () => {
    await using site = await Site.start(...row.pods ?? [{ name: "web" }]);
    const [web, other] = [site.running("web"), site.running("other")];
    site.link.cut();
    await row.meanwhile(site);
    await site.pass();
    if (!TOUCH_OTHER.includes(name)) assert.deepEqual(site.running("other"), other);
    site.link.heal();
    await site.pass();
    await site.pass();
    await row.then(site, web);
    if (!TOUCH_OTHER.includes(name)) assert.deepEqual(site.running("other"), other);
    assert.ok(isReady(site.node.pod("other")));
  });
}

Deno.test("the table of docs/EDGE.md has these rows, and no others", async () => {
  const text = await Deno.readTextFile(new URL("../docs/EDGE.md", import.meta.url));
  const [, section = ""] = text.split("## How the node and the server agree again");
  const [table = ""] = section.split("\n## ");
  const rows = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, name]) => name!);
  const [, , ...names] = rows; // the head of the table comes first
  assert.deepEqual(names.sort(), Object.keys(ROWS).sort());
});
