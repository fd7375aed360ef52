import type { Mutant } from "./mutants.ts";

const CONDITION_TESTS = [
  "core/lib/expressions",
  "core/controllers/analysis/providers/conditions_test.ts",
];
const REQUEST_TESTS = ["core/controllers/analysis/requests"];
const PROVIDERS = "core/controllers/analysis/providers";

/** Planted bugs in what asks for measurements, and in the conditions that judge them. */
export const MEASUREMENT_MUTANTS: readonly Mutant[] = [
  {
    name: "inherited: a condition reads what all objects have",
    file: "core/lib/expressions/values/members.ts",
    search: "return Object.hasOwn(from, field) ? from[field]! : null;",
    replace: "return from[field] ?? null;",
    tests: CONDITION_TESTS,
  },
  {
    name: "unbounded: an evaluation may take any number of steps",
    file: "core/lib/expressions/values/budget.ts",
    search: "if (this.#steps > STEPS_MAX) {",
    replace: "if (this.#steps > STEPS_MAX * 1_000) {",
    tests: CONDITION_TESTS,
  },
  {
    name: "half a number: integers and floats divide alike",
    file: "core/lib/expressions/values/arithmetic.ts",
    search: 'if (operator === "/") return Number(one) / Number(other);',
    replace: 'if (operator === "/") return one / (other || 1n);',
    tests: CONDITION_TESTS,
  },
  {
    name: "success wins: a result that fails and succeeds is successful",
    file: `${PROVIDERS}/conditions.ts`,
    search: 'if (fails === true) return { phase: "Failed" };',
    replace: 'if (fails === true && succeeds !== true) return { phase: "Failed" };',
    tests: CONDITION_TESTS,
  },
  {
    name: "misjudged: a condition that cannot be evaluated counts as failed",
    file: `${PROVIDERS}/conditions.ts`,
    search: 'return { phase: "Error", message: error.message };',
    replace: 'return { phase: "Failed", message: error.message };',
    tests: CONDITION_TESTS,
  },
  {
    name: "open door: one range that is allowed allows every address",
    file: "core/controllers/analysis/requests/target_policy.ts",
    search: "if (this.#ranges.some((range) => isWithin(address, range))) return undefined;",
    replace: "if (this.#ranges.length > 0) return undefined;",
    tests: REQUEST_TESTS,
  },
  {
    name: "rebinding: the addresses of a name are not looked at",
    file: "core/controllers/analysis/requests/outgoing_requests.ts",
    search: "target.isAllowed ? undefined : policy",
    replace: "undefined",
    tests: REQUEST_TESTS,
  },
  {
    name: "lured: what an ExternalName stands for is not looked at",
    file: "core/controllers/analysis/requests/request_targets.ts",
    search: "isAllowed: policy.allowsName(externalName)",
    replace: "isAllowed: true",
    tests: REQUEST_TESTS,
  },
  {
    name: "endpoints anywhere: whoever writes an EndpointSlice may name a cloud's metadata",
    file: "core/controllers/analysis/requests/target_policy.ts",
    search: "return isLoopback ? undefined : this.faultOf(text);",
    replace: "return isLoopback || true ? undefined : this.faultOf(text);",
    tests: REQUEST_TESTS,
  },
  {
    name: "told everybody: a redirect takes a token to another host",
    file: "core/controllers/analysis/requests/redirects.ts",
    search: "return to === from || to.endsWith(`.${from}`);",
    replace: "return to === from || to.endsWith(`.${from}`) || from !== to;",
    tests: REQUEST_TESTS,
  },
  {
    name: "round and round: redirects are followed for ever",
    file: "core/controllers/analysis/requests/outgoing_requests.ts",
    search: "if (count > REDIRECTS_MAX)",
    replace: "if (count > REDIRECTS_MAX + 1)",
    tests: REQUEST_TESTS,
  },
  {
    name: "bottomless: an answer of any length is kept",
    file: "core/controllers/analysis/requests/outgoing_requests.ts",
    search: "if (bytes > ANSWER_BYTES_MAX) {",
    replace: "if (bytes > ANSWER_BYTES_MAX * 16) {",
    tests: REQUEST_TESTS,
  },
  {
    name: "hasty: an answer may take half as long as the metric says",
    file: "core/controllers/analysis/requests/outgoing_requests.ts",
    search: "ms: request.timeoutMs, late };",
    replace: "ms: request.timeoutMs / 2, late };",
    tests: [PROVIDERS],
  },
  {
    name: "any certificate: TLS to the API server is not checked",
    file: "core/controllers/analysis/requests/outgoing_requests.ts",
    search: "rejectUnauthorized: !isInsecure,",
    replace: "rejectUnauthorized: false,",
    tests: REQUEST_TESTS,
  },
  {
    name: "silence is golden: a measurement is finished without requests",
    file: `${PROVIDERS}/proxy.ts`,
    search: "if (result.requests < minRequests) return undefined;",
    replace: "if (result.requests < minRequests && result.requests > 0) return undefined;",
    tests: [PROVIDERS],
  },
  {
    name: "still asking: requests under way count as answered",
    file: `${PROVIDERS}/traffic_counts.ts`,
    search: "each.requests - each.inFlight;",
    replace: "each.requests;",
    tests: [PROVIDERS],
  },
  {
    name: "since ever: a window counts what was before it",
    file: `${PROVIDERS}/traffic_counts.ts`,
    search: "sum.add(counts, isSame ? known : undefined);",
    replace: "sum.add(counts, undefined);",
    tests: [PROVIDERS],
  },
  {
    name: "deaf: what a proxy counted before it was heard of counts as new",
    file: `${PROVIDERS}/traffic_counts.ts`,
    search: "counts: byPlace(own),",
    replace: "counts: byPlace(own.filter(({ isStale }) => !isStale)),",
    tests: [PROVIDERS],
  },
  {
    name: "turned: the canary is measured by the stable set",
    file: `${PROVIDERS}/traffic_question.ts`,
    search: 'set === "canary" ? [canary, stable] : [stable, canary]',
    replace: 'set === "canary" ? [stable, canary] : [canary, stable]',
    tests: [PROVIDERS],
  },
  {
    name: "signed for anybody: a name that contains Amazon's gets a signature",
    file: `${PROVIDERS}/aws_requests.ts`,
    search: " && /\\.amazonaws\\.com(?:\\.cn)?$/.test(hostname);",
    replace: ";",
    tests: [PROVIDERS],
  },
  {
    name: "only POST: a server that takes GET is not asked again",
    file: `${PROVIDERS}/prometheus.ts`,
    search: "if (!ONLY_GET.includes(answer.status)) return answer;",
    replace: "if (answer.status !== 405) return answer;",
    tests: [PROVIDERS],
  },
];
