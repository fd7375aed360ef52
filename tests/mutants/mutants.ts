/** A bug that somebody could make: `search` occurs once in the file and is replaced. */
export interface Mutant {
  name: string;
  file: string;
  search: string;
  replace: string;
  /** Tests of the folder that may catch it too, when the simulator does not. */
  tests?: readonly string[];
}

/** Planted bugs, over all parts. Each must be caught by the simulator or by a property within 200 seeds. */
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
    file: "core/objects/objects.ts",
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
    search: "if (wanted ? wanted !== resourceVersion : needsResourceVersion(resource)) {",
    replace: 'if (!wanted && needsResourceVersion(resource) && resourceVersion !== "") {',
    tests: ["tests/simulation/simulation_test.ts"],
  },
  {
    name: "stale cache after reconnect: what has gone meanwhile stays",
    file: "core/client/mirrored_kind.ts",
    search: "if (!uids.has(known.metadata.uid)) this.remove(known);",
    replace: "if (uids.size < 0) this.remove(known);",
  },
  {
    name: "410 is not heeded: a watch that is too old is asked for again and again",
    file: "core/client/list_watch.ts",
    search: "if (error.code === 410 || error.code === 504)",
    replace: "if (error.code === 504)",
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
  },
  {
    name: "stale cache after reconnect: what the server has told meanwhile is skipped",
    file: "core/api/watch.ts",
    search: "for (let seen = after; !watcher",
    replace: "for (let seen = Math.max(after, store.revision); !watcher",
  },
  {
    name: "a watch that nobody answers is waited for, though others are answered again",
    file: "core/client/list_watch.ts",
    search: "      unsubscribe = link.onRestored(reopen);\n",
    replace: "",
    tests: ["core/client"],
  },
  {
    name: "an agent whose watches have died without a word never finds out",
    file: "core/client/server_link.ts",
    search:
      '    this.#options.log.debug("What is open is opened anew", { server: this.#options.server });\n    this.#tell();\n',
    replace: "",
    tests: ["core/client/server_link_test.ts"],
  },
  {
    name: "no time-out: an answer that was lost is waited for without end",
    file: "core/client/server_link.ts",
    search: "      request.abort(late);\n",
    replace: "",
  },
  {
    name: "a slow watcher is not cut off: what it has no room for is dropped",
    file: "core/api/watch_feed.ts",
    search:
      "  stream.write(chunk);\n  if (stream.queuedBytes > WATCH_QUEUE_BYTES_MAX) stream.destroy();",
    replace: "  if (stream.queuedBytes <= WATCH_QUEUE_BYTES_MAX) stream.write(chunk);",
    tests: ["core/api/watch_test.ts"],
  },
  {
    name: "a request that came twice counts as refused: the node is never there",
    file: "agent/node_status.ts",
    search: '["Conflict", "AlreadyExists", "NotFound"]',
    replace: '["Conflict", "NotFound"]',
    tests: ["agent/node_status_test.ts"],
  },
  {
    name: "all nodes are lost when the clock of the server is set",
    file: "core/controllers/nodes.ts",
    search: "const elapsedMs = clock.elapsed();",
    replace: "const elapsedMs = nowMs;",
    tests: ["core/controllers/nodes_test.ts"],
  },
  {
    name: "pods are evicted when the clock of the server is set",
    file: "core/controllers/evictions.ts",
    search: "const elapsedMs = clock.elapsed();",
    replace: "const elapsedMs = nowMs;",
    tests: ["core/controllers/nodes_test.ts"],
  },
  {
    name: "a pod is not available before the clock of its machine says so",
    file: "core/controllers/pod_states.ts",
    search: "return isAhead ? 0 : Math.max(",
    replace: "return isAhead && sinceMs < 0 ? 0 : Math.max(",
  },
  {
    name: "probes stop when the clock of the machine is set back",
    file: "agent/probes.ts",
    search: "clock.after(atMs - clock.elapsed(), act)",
    replace: "clock.after(atMs - clock.elapsed() - clock.now() + Date.UTC(2026, 0), act)",
    tests: ["agent/probes_test.ts"],
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
    file: "core/controllers/run_controller.ts",
    search: "      if (againAfterMs !== undefined) queue.add(key, againAfterMs);\n",
    replace: "",
  },
  {
    name: "off by one in surge",
    file: "core/controllers/rolling_update.ts",
    search: "limitsOf(deployment).maxSurge - currentSize",
    replace: "limitsOf(deployment).maxSurge + 1 - currentSize",
  },
  {
    name: "off by one in availability",
    file: "core/controllers/rolling_update.ts",
    search: "deployment.spec.replicas - limitsOf(deployment).maxUnavailable;",
    replace: "deployment.spec.replicas - limitsOf(deployment).maxUnavailable - 1;",
  },
  {
    name: "new pods that are not available yet count as if they were",
    file: "core/controllers/rolling_update.ts",
    search: "const spare = stayingAvailable([current, ...old]) - availableMin;",
    replace: "const spare = sizeOf([current, ...old]) - availableMin;",
  },
  {
    name: "Recreate does not wait for the old pods",
    file: "core/controllers/deployments.ts",
    search: "if (old.some((replicaSet) => hasRunningPods(replicaSet, turn.view))) {",
    replace: "if (old.length < 0) {",
  },
  {
    name: "forgotten owner: who lets a child go is not looked at again",
    file: "core/controllers/ownership.ts",
    search: "    remembers: true,\n",
    replace: "",
  },
  {
    name: "one pod too many",
    file: "core/controllers/replica_sets.ts",
    search: "Math.min(wanted - active.length, WRITES_MAX)",
    replace: "Math.min(wanted - active.length + (active.length === 1 ? 1 : 0), WRITES_MAX)",
  },
  {
    name: "forgotten dependents: what an owner leaves behind stays",
    file: "core/controllers/garbage_collection.ts",
    search: "      addDependents(object);\n      for (const owner",
    replace: "      for (const owner",
  },
  {
    name: "a namespace goes before what is in it",
    file: "core/controllers/namespaces.ts",
    search: "if (left.length === 0) {",
    replace: "if (left.length >= 0) {",
  },
  {
    name: "requests go to pods that are not ready",
    file: "core/controllers/endpoint_slices.ts",
    search: "(serving && !terminating)",
    replace: "!terminating",
  },
  {
    name: "a quarrel over pods whose agent is back",
    file: "core/controllers/nodes.ts",
    search: "for (const pod of all) if (!isReady(pod)) unvouched.delete(pod.metadata.uid);",
    replace: "if (!all.every(isReady)) unvouched.add(all[0]!.metadata.uid);",
  },
  {
    name: "lost wake-up: a pod that waits is not looked at when another one goes",
    file: "core/scheduler/scheduler.ts",
    search: "if (this.#states.release(pod.metadata.uid) !== undefined) this.#wake();",
    replace: "this.#states.release(pod.metadata.uid);",
    tests: ["core/scheduler/scheduler_test.ts"],
  },
  {
    name: "overcommitment: a pod counts only once its binding is seen",
    file: "core/scheduler/scheduler.ts",
    search: "    this.#states.place(pod, placement.node);\n",
    replace: "",
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
    file: "agent/status_writer.ts",
    search: "return isStale ? this.#written!.pod : pod;",
    replace: "return pod;",
    tests: ["agent/status_writer_test.ts"],
  },
  {
    name: "double start: what runs is not adopted",
    file: "agent/pod_worker.ts",
    search: "    for (const container of containers) this.#put(container);\n",
    replace:
      '    for (const container of containers) if (container.state !== "running") this.#put(container);\n',
  },
  {
    name: "double start: a container is started again while its start is in flight",
    file: "agent/next_step.ts",
    search: "observed.busy[container.name] ? [] : stepsOfContainer(",
    replace: "observed.busy[container.name] === null ? [] : stepsOfContainer(",
    tests: ["agent/next_step_test.ts"],
  },
  {
    name: "orphans: what nobody wants any more is left to run",
    file: "agent/agent.ts",
    search: "new Set([...wanted.keys(), ...byPod.keys(), ...others])",
    replace: "new Set([...wanted.keys(), ...(others.length < 0 ? byPod.keys() : [])])",
  },
  {
    name: "wrong drain: a pod is stopped while requests still go to it",
    file: "agent/next_step.ts",
    search: "graceSeconds > 0 ? drainMsOf(observed, graceMs / 2) : 0",
    replace: "graceSeconds > 0 ? 0 * drainMsOf(observed, graceMs / 2) : 0",
  },
  {
    name: "wrong drain: nobody asks whether requests are under way",
    file: "agent/pod_worker.ts",
    search: ".then(() => parts.untilDrained?.(podUid, signal))",
    replace: "",
  },
  {
    name: "wrong drain: requests that come while others turn away are not waited for",
    file: "agent/pod_worker.ts",
    search: "turned.then(() => parts.untilDrained?.(podUid, signal))",
    replace: "Promise.all([parts.untilDrained?.(podUid, signal), turned])",
    tests: ["tests/simulation/simulation_test.ts"],
  },
  {
    name: "a finished pod runs again",
    file: "agent/container_runs.ts",
    search: '    case "Never":\n      return false;',
    replace: '    case "Never":\n      return run.exitCode !== 0;',
  },
  {
    name: "an end is told while a start is in flight",
    file: "agent/pod_status.ts",
    search: "!statuses.some(({ name }) => isStarting(observed, name))",
    replace: 'statuses.every(({ name }) => isStarting(observed, name) || name !== "")',
  },
  {
    name: "lost wake-up: what changed during a write of the status is not written",
    file: "agent/status_writer.ts",
    search: "        await this.#write();\n        failures = 0;",
    replace: "        await this.#write();\n        this.#isDirty = false;\n        failures = 0;",
    tests: ["agent/status_writer_test.ts"],
  },
  {
    name: "no relist: an exit that nobody told is never found",
    file: "agent/agent.ts",
    search: "      worker.see(shown, known ? versions.get(uid) ?? -1 : worker.version);\n",
    replace: "      if (!known) worker.see(shown, worker.version);\n",
  },
  {
    name: "wrong drain: pods that are ending keep their share of requests",
    file: "proxy/service_backends.ts",
    search: "  return conditions.ready ?? true;\n",
    replace: "  return conditions.serving ?? conditions.ready ?? true;\n",
  },
  {
    name: "a stale route table: changes of endpoints are not heard",
    file: "proxy/run_proxy.ts",
    search: "  services,\n  endpointSlices,\n  gatewayClasses,",
    replace: "  services,\n  gatewayClasses,",
  },
];
