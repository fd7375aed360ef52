import { API_MUTANTS } from "./api_mutants.ts";
import { ALONE_MUTANTS } from "./alone_mutants.ts";
import { ANALYSIS_MUTANTS } from "./analysis_mutants.ts";
import { BLUE_GREEN_MUTANTS } from "./blue_green_mutants.ts";
import { EDGE_MUTANTS } from "./edge_mutants.ts";
import { FAR_MUTANTS } from "./far_mutants.ts";
import { FEED_MUTANTS } from "./feed_mutants.ts";
import { JOIN_MUTANTS } from "./join_mutants.ts";
import { MEASUREMENT_MUTANTS } from "./measurement_mutants.ts";
import { NODE_MUTANTS } from "./node_mutants.ts";
import { CONFINEMENT_MUTANTS } from "./confinement_mutants.ts";
import { NAME_MUTANTS } from "./name_mutants.ts";
import { POD_MUTANTS } from "./pod_mutants.ts";
import { BATCH_MUTANTS } from "./batch_mutants.ts";
import { PROXY_MUTANTS } from "./proxy_mutants.ts";
import { ROLLOUT_MUTANTS } from "./rollout_mutants.ts";
import { ROLLOUT_PART_MUTANTS } from "./rollout_part_mutants.ts";
import { SET_MUTANTS } from "./set_mutants.ts";
import { STREAM_MUTANTS } from "./stream_mutants.ts";
import { STEPWISE_MUTANTS } from "./stepwise_mutants.ts";
import { STORAGE_MUTANTS } from "./storage_mutants.ts";
import { TRAFFIC_MUTANTS } from "./traffic_mutants.ts";
import { TUNNEL_MUTANTS } from "./tunnel_mutants.ts";

/** A bug that somebody could make: `search` occurs once in the file and is replaced. */
export interface Mutant {
  name: string;
  file: string;
  search: string;
  replace: string;
  /** The first of the simulator's seeds that may catch it; 1 when absent. */
  firstSeed?: number;
  /** Tests that may catch it when the simulator does not. */
  tests?: readonly string[];
}

/** Planted bugs in all parts. Each must be caught by the simulator within 200 seeds, or by its tests. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "early acknowledgement: a write is told before it is durable",
    file: "core/store/group_commit.ts",
    search: "    await journal.commit(batch);",
    replace: "    journal.commit(batch).catch(() => {});",
  },
  {
    name: "doubt: a write that was reported as failed, and is durable, is forgotten",
    file: "core/store/group_commit.ts",
    search: "    if (durable === revision) {\n      this.#durable = revision;\n      return",
    replace: "    if (durable === -1) {\n      this.#durable = revision;\n      return",
    tests: ["core/store/history_test.ts"],
  },
  {
    name: "forgotten dependents: writes that wait behind a failed one go on",
    file: "core/store/group_commit.ts",
    search: "[...commits, ...this.#waiting.splice(0)]",
    replace: "[...commits]",
  },
  {
    name:
      "not gone: who deletes what a write in flight deletes is told that it is gone, though that write fails",
    file: "core/objects/commits.ts",
    search: "      await confirmed.catch((cause) => {",
    replace: "      await this.store.settled().catch((cause) => {",
    tests: ["core/objects/refused_writes_test.ts"],
  },
  {
    name: "missed event: a watcher that resumes misses the first change",
    file: "core/store/event_ring.ts",
    search: "event.revision > revision)",
    replace: "event.revision > revision + 1)",
  },
  {
    name: "repeated event: a watcher that resumes sees the last change twice",
    file: "core/store/event_ring.ts",
    search: "event.revision > revision)",
    replace: "event.revision >= revision)",
    tests: ["core/store/event_ring_test.ts"],
  },
  {
    name: "lost history: a watcher from before a restart may resume as if nothing had happened",
    file: "core/store/event_ring.ts",
    search: "revision < oldest || ",
    replace: "",
  },
  {
    name: "revisions given out twice: volatile writes do not count at a restart",
    file: "core/store/memory_store.ts",
    search: "if (durable > 0) this.revision += VOLATILE_REVISIONS_MAX;",
    replace: "if (durable < 0) this.revision += VOLATILE_REVISIONS_MAX;",
  },
  {
    name: "stale index: an object stays in the buckets that it has left",
    file: "core/store/table.ts",
    search: "if (!buckets.includes(bucket)) takeFrom(this.#buckets, bucket, previous!);",
    replace: "",
  },
  {
    name: "lost update: a write from an old version is taken",
    file: "core/objects/admit.ts",
    search: "if (wanted ? wanted !== resourceVersion : resource.needsVersion) {",
    replace: 'if (!wanted && resource.needsVersion && resourceVersion !== "") {',
    tests: ["tests/simulation/simulation_test.ts"],
  },
  {
    name: "stale cache after reconnect: what has gone meanwhile stays",
    file: "core/client/mirrored_kind.ts",
    search: "if (!uids.has(known.metadata.uid)) this.remove(known);",
    replace: "if (uids.size < 0) this.remove(known);",
    tests: ["core/client/mirror_test.ts"],
  },
  {
    name: "410 is not heeded: a watch that is too old is asked for again and again",
    file: "core/client/list_watch.ts",
    search: "if (error.code === 410 || error.code === 504)",
    replace: "if (error.code === 504)",
    tests: ["core/client/list_watch_test.ts"],
  },
  {
    name: "a watch that is too old waits as long as one that nobody answers before it lists anew",
    file: "core/client/list_watch.ts",
    search: "isGivenUp = goesOn && this.#version === undefined",
    replace: "isGivenUp = false",
    tests: ["core/client/list_watch_test.ts"],
  },
  {
    name: "stale cache after reconnect: a watch goes on from its beginning, not from what it saw",
    file: "core/client/list_watch.ts",
    search: "    this.#version = object.metadata.resourceVersion;\n",
    replace: '    if (type === "BOOKMARK") this.#version = object.metadata.resourceVersion;\n',
    tests: ["core/client/list_watch_test.ts"],
  },
  {
    name: "stale cache after reconnect: what the server has told meanwhile is skipped",
    file: "core/api/watch/watch.ts",
    search: "for (let seen = after; !gone",
    replace: "for (let seen = Math.max(after, store.revision); !gone",
    tests: ["core/api/watch/watch_test.ts"],
  },
  {
    name: "a watch that nobody answers is waited for, though others are answered again",
    file: "core/client/answer_body.ts",
    search: "    unsubscribe = link.onRestored(reopen);\n",
    replace: "",
    tests: ["core/client"],
  },
  {
    name: "an agent whose watches have died without a word never finds out",
    file: "core/client/server_link.ts",
    search:
      '    this.#options.log.debug("Reopening all watches", { server: this.#options.server });\n    this.#tell();\n',
    replace: "",
    tests: ["core/client/server_link_test.ts"],
  },
  {
    name: "no time-out: an answer that was lost is waited for without end",
    file: "core/client/server_link.ts",
    search: "{ clock: this.#options.clock, ms: ANSWER_MS_MAX, late }",
    replace: "{ clock: this.#options.clock, ms: Infinity, late }",
  },
  {
    name: "a slow watcher is not cut off: what it does not read takes ever more memory",
    file: "core/api/watch/watch_feed.ts",
    search: "  if (stream.queuedBytes > WATCH_QUEUE_BYTES_MAX) stream.destroy();\n",
    replace: "",
    tests: ["core/api/watch/watch_test.ts"],
  },
  {
    name: "a request that came twice counts as refused: the node is never there",
    file: "agent/node/node_status.ts",
    search: '["Conflict", "AlreadyExists", "NotFound"]',
    replace: '["Conflict", "NotFound"]',
    tests: ["agent/node/node_status_test.ts"],
  },
  {
    name: "all nodes are lost when the clock of the server is set",
    file: "core/controllers/nodes/nodes.ts",
    search: "reconcile(node, view, nowMs, { memory, elapsedMs }) {",
    replace: "reconcile(node, view, nowMs, { memory }) {\n    const elapsedMs = nowMs;",
    tests: ["core/controllers/nodes/nodes_test.ts"],
  },
  {
    name: "pods are evicted when the clock of the server is set",
    file: "core/controllers/nodes/evictions.ts",
    search: "reconcile(node, view, nowMs, { memory, elapsedMs }) {",
    replace: "reconcile(node, view, nowMs, { memory }) {\n    const elapsedMs = nowMs;",
    tests: ["core/controllers/nodes/nodes_test.ts"],
  },
  {
    name: "a pod is not available before the clock of its machine says so",
    file: "core/resources/core/pods/pod_states.ts",
    search: "return isAhead ? 0 : Math.max(",
    replace: "return isAhead && sinceMs < 0 ? 0 : Math.max(",
  },
  {
    name: "probes stop when the clock of the machine is set back",
    file: "agent/probes/probes.ts",
    search: "clock.after(atMs - clock.elapsed(), act)",
    replace: "clock.after(atMs - clock.elapsed() - clock.now() + Date.UTC(2026, 0), act)",
    tests: ["agent/probes/probes_test.ts"],
  },
  {
    name: "lost wake-up: a key added during its own work is forgotten",
    file: "core/lib/work_queue.ts",
    search: "    if (again) this.#makeReady(key);\n",
    replace: "",
  },
  {
    name: "the later of two additions wins",
    file: "core/lib/work_queue.ts",
    search: "if (planned && planned.dueMs <= dueMs) return;",
    replace: "if (planned && planned.dueMs >= dueMs) return;",
    tests: ["core/lib/work_queue_test.ts"],
  },
  {
    name: "no second try: what failed is not looked at again",
    file: "core/controllers/runtime/run_controller.ts",
    search: "      if (againAfterMs !== undefined) queue.add(key, againAfterMs);\n",
    replace: "",
  },
  {
    name: "off by one in surge",
    file: "core/controllers/apps/rolling_update.ts",
    search: "limitsOf(deployment).maxSurge - currentSize",
    replace: "limitsOf(deployment).maxSurge + 1 - currentSize",
  },
  {
    name: "off by one in availability",
    file: "core/controllers/apps/rolling_update.ts",
    search: "deployment.spec.replicas - limitsOf(deployment).maxUnavailable;",
    replace: "deployment.spec.replicas - limitsOf(deployment).maxUnavailable - 1;",
  },
  {
    name: "new pods that are not available yet count as if they were",
    file: "core/controllers/apps/rolling_update.ts",
    search: "const spare = stayingAvailable([current, ...old]) - availableMin;",
    replace: "const spare = sizeOf([current, ...old]) - availableMin;",
  },
  {
    name: "Recreate does not wait for the old pods",
    file: "core/controllers/apps/deployments.ts",
    search: "if (old.some((replicaSet) => hasRunningPods(replicaSet, state.view))) {",
    replace: "if (old.length < 0) {",
  },
  {
    name: "forgotten owner: who lets a child go is not looked at again",
    file: "core/controllers/runtime/ownership.ts",
    search: "    includesFormer: true,\n",
    replace: "",
  },
  {
    name: "one pod too many",
    file: "core/controllers/apps/pod_replicas.ts",
    search: "Math.min(wanted - active.length, WRITES_MAX)",
    replace: "Math.min(wanted - active.length + (active.length === 1 ? 1 : 0), WRITES_MAX)",
  },
  {
    name: "forgotten dependents: what an owner leaves behind stays",
    file: "core/controllers/cluster/garbage_collection.ts",
    search: "    this.#addDependents(object);\n    for (const owner",
    replace: "    for (const owner",
  },
  {
    name: "a namespace goes before what is in it",
    file: "core/controllers/cluster/namespaces.ts",
    search: "if (left.length === 0) {",
    replace: "if (left.length >= 0) {",
  },
  {
    name: "requests go to pods that are not ready",
    file: "core/controllers/services/endpoint_slices.ts",
    search: "(serving && !terminating && !isOnlyHere)",
    replace: "(!terminating && !isOnlyHere)",
  },
  {
    name: "a quarrel over pods whose agent is back",
    file: "core/controllers/nodes/nodes.ts",
    search: "return ready.filter(({ metadata }) => before.has(metadata.uid));",
    replace: "return ready;",
  },
  {
    name: "lost wake-up: a pod that waits is not looked at when another one goes",
    file: "core/scheduler/scheduler.ts",
    search: "this.#wakeBy(this.#states.release(uid));",
    replace: "this.#states.release(uid);",
    tests: ["core/scheduler/scheduler_test.ts"],
  },
  {
    name: "lost wake-up: a plugin does not say that pods which go make room",
    file: "core/scheduler/plugins/capacity.ts",
    search: "    podRemoved: acceptedNow(fit),\n",
    replace: "",
    tests: ["core/scheduler/waking_test.ts"],
  },
  {
    name:
      "lost wake-up: only the first plugin that has refused a pod is asked whether a change helps",
    file: "core/scheduler/place.ts",
    search: "      this.refusers.add(plugin);\n      return refusal;",
    replace:
      "      if (this.refusers.size === 0) this.refusers.add(plugin);\n      return refusal;",
    tests: ["core/scheduler/waking_test.ts"],
  },
  {
    name: "wrong tally: a node that changes forgets its pods",
    file: "core/scheduler/node_states.ts",
    search: "      for (const pod of state.pods.values()) tally?.add(begun, pod);\n",
    replace: "",
  },
  {
    name: "overcommitment: a pod counts only once its binding is seen",
    file: "core/scheduler/scheduler.ts",
    search: "const [change] = this.#states.place(pod, placement.node);",
    replace: "const [change]: NodeChange[] = [];",
  },
  {
    name: "a pod that waits is not looked at when a node is uncordoned",
    file: "core/scheduler/node_states.ts",
    search: "return { labels, taints, unschedulable, amounts: allocatable ?? capacity };",
    replace: "return { labels, amounts: allocatable ?? capacity };",
    tests: ["core/scheduler/scheduler_test.ts"],
  },
  {
    name: "double start: what was written is forgotten until the view shows it",
    file: "agent/pods/status_writer.ts",
    search: "return isStale ? this.#written!.pod : pod;",
    replace: "return pod;",
    tests: ["agent/pods/status_writer_test.ts"],
  },
  {
    name: "double start: what runs is not adopted",
    file: "agent/pods/pod_worker.ts",
    search: "    for (const container of containers) this.#put(container);\n",
    replace:
      '    for (const container of containers) if (container.state !== "running") this.#put(container);\n',
  },
  {
    name: "double start: a container is started again while its start is in flight",
    file: "agent/pods/next_step.ts",
    search: "      ownField(observed.busy, each.container.name)\n        ? []",
    replace: "      ownField(observed.busy, each.container.name) === null\n        ? []",
    tests: ["agent/pods/next_step_limits_test.ts"],
  },
  {
    name: "orphans: what nobody wants any more is left to run",
    file: "agent/agent.ts",
    search: "new Set([...wanted.keys(), ...byPod.keys(), ...others])",
    replace: "new Set([...wanted.keys(), ...(others.length < 0 ? byPod.keys() : [])])",
  },
  {
    name: "wrong drain: a pod is stopped while requests still go to it",
    file: "agent/pods/next_step.ts",
    search: "graceSeconds > 0 ? drainMsOf(observed, graceMs / 2) : 0",
    replace: "graceSeconds > 0 ? 0 * drainMsOf(observed, graceMs / 2) : 0",
  },
  {
    name: "wrong drain: nobody asks whether requests are under way",
    file: "agent/pods/draining.ts",
    search: "  await context.untilDrained?.(podUid, signal);\n",
    replace: "",
  },
  {
    name: "wrong drain: requests that come while others turn away are not waited for",
    file: "agent/pods/draining.ts",
    search: "  if (!isWatched) await context",
    replace:
      "  await context.untilDrained?.(podUid, signal);\n  if (!isWatched) return await context",
    tests: ["agent/pods/draining_test.ts"],
  },
  {
    name: "a finished pod runs again",
    file: "agent/pods/runs/restart_rules.ts",
    search: '    case "Never":\n      return false;',
    replace: '    case "Never":\n      return exitCode !== 0;',
  },
  {
    name: "an end is told while a start is in flight",
    file: "agent/pods/pod_status.ts",
    search: "!told.some(({ container }) => isStarting(observed, container.name))",
    replace: 'told.every(({ container: { name } }) => isStarting(observed, name) || name !== "")',
  },
  {
    name: "lost wake-up: what changed during a write of the status is not written",
    file: "agent/pods/status_writer.ts",
    search: "        await this.#write();\n        failures = 0;",
    replace: "        await this.#write();\n        this.#isDirty = false;\n        failures = 0;",
    tests: ["agent/pods/status_writer_test.ts"],
  },
  {
    name: "no relist: an exit that nobody told is never found",
    file: "agent/agent.ts",
    search: "      worker.see(shown, known ? versions.get(uid) ?? -1 : worker.version);\n",
    replace: "      if (!known) worker.see(shown, worker.version);\n",
  },
  {
    name: "wrong drain: pods that are ending keep their share of requests",
    file: "core/traffic/service_backends.ts",
    search: "  return conditions.ready ?? true;\n",
    replace: "  return conditions.serving ?? conditions.ready ?? true;\n",
  },
  {
    name: "a stale route table: changes of endpoints are not heard",
    file: "proxy/threads/run_proxy.ts",
    search: "  services,\n  endpointSlices,\n  gatewayClasses,",
    replace: "  services,\n  gatewayClasses,",
  },
  {
    name: "others' devices: what another server on the machine has made is removed as a stray",
    file: "agent/network/wiring.ts",
    search: "ownerOf(mark) === gateway.device;",
    replace: 'mark !== "";',
    tests: ["agent/network/wiring_test.ts"],
  },
  {
    name: "hasty cleaning: what the kernel is about to remove is removed once more",
    file: "agent/network/wiring.ts",
    search: "strays.filter((stray) => strayBefore.has(keyOf(stray)))",
    replace: "strays",
    tests: ["agent/network/wiring_test.ts"],
  },
  {
    name: "half made: a pod whose connection was broken off counts as connected",
    file: "agent/network/wiring.ts",
    search: '(link?.mark === "" && isRouted)',
    replace: 'link?.mark === ""',
    tests: ["agent/network/wiring_test.ts"],
  },
  {
    name: "open services: whoever is let in to pods is let in to services too",
    file: "agent/network/firewall_rules.ts",
    search: 'when: [{ is: "to", ranges: [podCIDR], yes: true }, { is: "fromSet"',
    replace: 'when: [{ is: "fromSet"',
    tests: ["agent/network/firewall_rules_test.ts"],
  },
  {
    name: "a way back that nobody looks at: neighbours pass for pods of this node",
    file: "agent/network/firewall_rules.ts",
    search: 'const wayBack = hasFib ? [{ is: "wayBack", yes: true } as const] : [];',
    replace: "const wayBack: Condition[] = [];",
    tests: ["agent/network/firewall_rules_test.ts"],
  },
  {
    name: "two ports of services lead to one",
    file: "agent/network/service_ports.ts",
    search: "    while (taken.has(FIRST_PORT + place)) place = (place + 1) % PORTS_MAX;\n",
    replace: "",
    tests: ["agent/network/service_ports_test.ts"],
  },
  {
    name: "a port of services that is new moves those that are led already",
    file: "agent/network/service_ports.ts",
    search: "const led = new Map(kept), taken",
    replace: "const led = new Map<number, number>(), taken",
    tests: ["agent/network/service_ports_test.ts"],
  },
  {
    name: "a listener that is none of services moves to another port",
    file: "proxy/table/led_ports.ts",
    search: "isLed(listener) ? {",
    replace: 'listener.protocol !== "HTTP" ? {',
    tests: ["proxy/table/led_ports_test.ts"],
  },
  {
    name: "cut off: what runs in a network that was lost goes on there",
    file: "agent/pods/next_step.ts",
    search: "    ...stopsOfCutOff(pod, observed, elapsedMs),\n",
    replace: "",
    tests: ["agent/pods/next_step_test.ts"],
  },
  {
    name: "a network that was lost while the agent was away is not missed",
    file: "agent/pods/pod_steps.ts",
    search: "if (!pod.spec.hostNetwork && !context.network.has(record.uid))",
    replace: "if (pod.spec.hostNetwork && !context.network.has(record.uid))",
    tests: ["agent/agent_test.ts"],
  },
  {
    name: "a stolen port: the younger Gateway gets what the older one has",
    file: "core/traffic/precedence.ts",
    search: "return a.creationTimestamp < b.creationTimestamp ? -1 : 1;",
    replace: "return a.creationTimestamp < b.creationTimestamp ? 1 : -1;",
    tests: ["core/traffic/listener_conflicts_test.ts"],
  },
  {
    name: "a stolen port: a more specific host name of another namespace takes its part",
    file: "core/traffic/listener_conflicts.ts",
    search: "return claim.gateway.metadata.namespace !== gateway.metadata.namespace &&",
    replace: "return claim.gateway.metadata.namespace === gateway.metadata.name &&",
    tests: ["core/traffic/listener_conflicts_test.ts"],
  },
  {
    name: "a stolen port: what is in conflict gets routes all the same",
    file: "core/traffic/attachments.ts",
    search: "meant.filter(({ conflict }) => conflict === undefined);",
    replace: "meant.filter(() => true);",
    tests: ["core/controllers/gateway/gateways_test.ts"],
  },
  {
    name: "another spelling: parameters of a segment make another path of it",
    file: "proxy/routing/normal_path.ts",
    search: "} else if (c === SEMICOLON && !isEncoded) segments.skip(c);",
    replace: "} else if (c === SEMICOLON && isEncoded) segments.skip(c);",
    tests: ["proxy/routing/route_matcher_test.ts"],
  },
  {
    name: "another spelling: two dots lead nowhere",
    file: "proxy/routing/normal_path.ts",
    search: "    if (length === 2 && start > 1) {",
    replace: "    if (length === 3 && start > 1) {",
    tests: ["proxy/routing/route_matcher_test.ts"],
  },
  {
    name: "a stranger is believed: X-Forwarded-* come through",
    file: "proxy/messages/fields.ts",
    search: "isWord(bytes, start, FORWARDED_PREFIX)) return true;",
    replace: "isWord(bytes, start, FORWARDED_PREFIX)) return false;",
    tests: ["proxy/http1/client_connection_test.ts"],
  },
  {
    name: "a stranger is believed: trailers of requests come through",
    file: "proxy/http1/client_connection.ts",
    search: "{ keepsTrailers: false }",
    replace: "{ keepsTrailers: true }",
    tests: ["proxy/http1/splits_test.ts"],
  },
  {
    name: "a crowd: idle connections of one peer shut out the others",
    file: "proxy/connections/connection_slots.ts",
    search: "if (most !== undefined && own.size <= most.own.size) continue;",
    replace: "if (most !== undefined && own.size >= most.own.size) continue;",
    tests: ["proxy/connections/connection_slots_test.ts"],
  },
  {
    name: "a way to the machine: a client names loopback addresses as a controller does",
    file: "core/resources/discovery/endpoint_slices.ts",
    search: "if (!isOwn) causes.push(",
    replace: 'if (!isOwn && next.addressType !== "IPv4") causes.push(',
    tests: ["core/resources/discovery/endpoint_addresses_test.ts"],
  },
  {
    name: "a bomb: what a JSON patch copies is not counted",
    file: "core/objects/patch/json_document.ts",
    search: "    this.#copiedBytes += jsonBytesOf(value);",
    replace: "    this.#copiedBytes = jsonBytesOf(value);",
    tests: ["core/objects/patch/json_patch_test.ts"],
  },
  {
    name: "out of the cage: new images of a pod are not compared with the level of its namespace",
    file: "core/objects/admission/pod_security/pod_security.ts",
    search: "({ path, name, image })",
    replace: "({ path, name })",
    tests: ["core/objects/admission/pod_security/pod_security_test.ts"],
  },
  {
    name: "less protection than believed: what one container was allowed, another may add",
    file: "core/resources/core/pods/spec/rules/refused_fields.ts",
    search: "return jsonIdentity([path, value]);",
    replace: "return jsonIdentity([path.replace(/\\[[^\\]]*\\]/, ''), value]);",
    tests: ["core/resources/core/pods/spec/rules/refused_fields_test.ts"],
  },
  {
    name: "less protection than believed: no seccomp is no difference",
    file: "agent/runtimes/podman/container_create.ts",
    search: '  if (typeof profile === "object") return profile.file;\n' +
      '  return profile === "Unconfined" ? "unconfined" : undefined;\n',
    replace: '  if (typeof profile === "object") return profile.file;\n' +
      '  return profile ? "unconfined" : undefined;\n',
    tests: ["agent/runtimes/podman/container_create_test.ts"],
  },
  {
    name: "inherited names: what all objects have is a field of each",
    file: "core/lib/own_field.ts",
    search: "record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined",
    replace: "record?.[name]",
    tests: ["core/schema/selectors_test.ts", "core/lib/equality_test.ts"],
  },
  ...FEED_MUTANTS,
  ...ANALYSIS_MUTANTS,
  ...BLUE_GREEN_MUTANTS,
  ...EDGE_MUTANTS,
  ...MEASUREMENT_MUTANTS,
  ...BATCH_MUTANTS,
  ...ROLLOUT_MUTANTS,
  ...PROXY_MUTANTS,
  ...FAR_MUTANTS,
  ...JOIN_MUTANTS,
  ...TRAFFIC_MUTANTS,
  ...TUNNEL_MUTANTS,
  ...ROLLOUT_PART_MUTANTS,
  ...SET_MUTANTS,
  ...POD_MUTANTS,
  ...CONFINEMENT_MUTANTS,
  ...NODE_MUTANTS,
  ...STREAM_MUTANTS,
  ...API_MUTANTS,
  ...STEPWISE_MUTANTS,
  ...ALONE_MUTANTS,
  ...STORAGE_MUTANTS,
  ...NAME_MUTANTS,
];
