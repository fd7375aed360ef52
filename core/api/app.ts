import { Hono } from "hono";
import { ApiError } from "../client/api_error.ts";
import type { ClusterStreams } from "../client/nodes/routed_streams.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Random } from "../lib/random.ts";
import { LocalClient } from "../objects/local_client.ts";
import type { Objects } from "../objects/objects.ts";
import type { Catalog } from "../resources/catalog.ts";
import type { ClientCertificates } from "./access/client_certificates.ts";
import { addCredentialRoutes, type CredentialService } from "./access/credential_answers.ts";
import { sendAsAccepted, sendJson, sendText } from "./http/answer.ts";
import type { ApiContext, ApiEnv, AuditRecord } from "./http/api_context.ts";
import { Discovery, notFound } from "./discovery/discovery.ts";
import { type HealthCheck, healthOf } from "./http/health.ts";
import { Authenticator, type TokenCheck } from "./access/authenticator.ts";
import { type Authorizer, AuthorizerChain } from "./access/authorizer.ts";
import { policyAccess } from "./access/policy_access.ts";
import { type AuthorizerDefinition, AUTHORIZERS } from "./access/built_in_authorizers.ts";
import { RbacAuthorizer } from "./access/rbac_authorizer.ts";
import type { EscalationContext } from "./access/escalation.ts";
import type { Audit } from "./audit/audit.ts";
import { Gate, passGate } from "./access/gate.ts";
import { limitBody, refuseLargeBody } from "./http/limit_body.ts";
import { Fairness, isLongRunning, passFairness } from "./fairness/fairness.ts";
import { limitYaml } from "./http/limit_yaml.ts";
import { requestId } from "./http/request_id.ts";
import { addMetrics } from "./http/metrics_answer.ts";
import { type ResourceRequest, urlOfTarget } from "./http/request_info.ts";
import type { Standby } from "./access/standby.ts";
import { Openapi } from "./discovery/openapi.ts";
import { sendOpenapi, sendOpenapiV2 } from "./discovery/openapi_answers.ts";
import { answerApply } from "./verbs/manifests.ts";
import { STREAMS } from "./streams/mod.ts";
import { OpenStreams } from "./streams/open_streams.ts";
import { streamOf } from "./streams/stream_choice.ts";
import { type Stream, type StreamDefinition, streamsOf, type Upgrade } from "./streams/stream.ts";
import { methodNotAllowed, type ObjectRequest } from "./verbs/request.ts";
import { objectOf } from "./http/request_body.ts";
import { REVIEWS } from "./access/reviews/mod.ts";
import { Aggregation } from "./aggregation/aggregation.ts";
import type { FrontProxy } from "./access/pki.ts";
import type { AccountTokens } from "./access/service_accounts/account_tokens.ts";
import { addIssuer } from "./access/service_accounts/issuer_routes.ts";
import { tokenRequests } from "./streams/token_requests.ts";
import {
  plainFormatFor,
  refuseAllButJson,
  refuseUnanswerable,
  refuseUnknownTypes,
} from "./http/accept.ts";
import { ServedKinds } from "./discovery/served_kinds.ts";
import { failure, type Status, statusFor } from "./http/status.ts";
import { answerMadeUp } from "./verbs/unstored.ts";
import { admitConnection } from "./verbs/connection_admission.ts";
import { answerSubresource } from "./verbs/subresource_verbs.ts";
import { inTime } from "./http/request_timeout.ts";
import { answerRotate, type SecretRotation } from "./http/secret_rotation.ts";
import { takeNodeReport } from "./http/node_reports.ts";
import { takeTrafficReport } from "./http/traffic_reports.ts";
import { answerCompact, type StoreFile } from "./http/store_maintenance.ts";
import { answerCollection, answerObject } from "./verbs/verbs.ts";
import { type VersionInfo, versionInfo } from "./http/version.ts";
import type { MadeUpFacts } from "../resources/resource.ts";
import type { TrafficReports } from "../traffic/traffic_reports.ts";
import type { ClusterUsage } from "../usage/cluster_usage.ts";
import type { Tunnels } from "./tunnels/tunnels.ts";
import { FOLLOWED_KINDS, type FollowedKind } from "./watch/feed/followed_kinds.ts";
import { NodeFeeds } from "./watch/feed/node_feeds.ts";
import { KeptLists } from "./watch/kept_lists.ts";
import { Watches } from "./watch/watch.ts";

export interface ApiOptions {
  objects: Objects;
  /** The kinds that are served. Their changes take effect at once. */
  catalog: Catalog;
  nodeStreams: ClusterStreams;
  clock: Clock;
  random: Random;
  log: Log;
  /** The users of tokens. */
  tokens: TokenCheck;
  /** As whom requests are passed on to the API servers of others; absent: they are not. */
  frontProxy?: () => Promise<FrontProxy>;
  /** Absent: service accounts have no tokens. */
  accounts?: AccountTokens;
  /** The users of client certificates; absent: these are not accepted. */
  certificates?: ClientCertificates;
  /** Version of the product, e.g. `0.1.0`. */
  version: string;
  /** Besides `ping`. */
  healthChecks?: readonly HealthCheck[];
  /** Absent: credentials are neither listed, issued nor revoked. */
  credentials?: CredentialService;
  /** Absent: the objects are not kept in a file. */
  storeFile?: StoreFile;
  /** Absent: the secrets are not encrypted, or others would have to know the new key. */
  secretRotation?: SecretRotation;
  /** {@linkcode AUTHORIZERS} if absent. */
  authorizers?: readonly AuthorizerDefinition[];
  /** {@linkcode STREAMS} if absent. */
  streams?: readonly StreamDefinition[];
  /** {@linkcode FOLLOWED_KINDS} if absent. */
  followedKinds?: readonly FollowedKind[];
  /** Absent: requests are not recorded. */
  audit?: Audit;
  /** What nodes and pods use; absent: nobody knows. */
  usage?: ClusterUsage;
  /** What proxies elsewhere serve; absent: nobody asks. */
  traffic?: TrafficReports;
  /** What Prometheus is told; absent: nothing. */
  metrics?: () => Promise<string>;
  /** For a server that shares its store with others. */
  standby?: Standby;
  /** The connections of nodes; absent: none are taken. */
  tunnels?: Tunnels;
}

/** The API, without the connections that carry it. */
export interface Api {
  app: Hono<ApiEnv>;
  /** Ends all watches and streams properly and refuses new ones. For a server that stops. */
  endStreams(): void;
  /** Hands the connection to a stream; the result is why not, and is then the answer. */
  upgrade(upgrade: Upgrade): Promise<Status | undefined>;
}

/** The Kubernetes API over the given objects. */
export function createApi(options: ApiOptions): Api {
  const parts = partsOf(options);
  const app = new Hono<ApiEnv>();
  app.use(requestId(options.random));
  const { audit } = options;
  if (audit) app.use(audit.watchRequest);
  app.use(passGate(parts.gate));
  app.use(passFairness(parts.fairness));
  app.use(limitBody());
  if (audit) app.use(audit.watchBody);
  app.use(limitYaml());
  addDiscovery(app, parts);
  app.all("/apply", (c) => answerApply(c, parts));
  app.post("/store/compact", (c) => answerCompact(c, parts));
  app.post("/secrets/rotate", (c) => answerRotate(c, parts));
  app.put("/node-reports/:node", (c) => takeNodeReport(c, parts));
  app.put("/traffic-reports/:node", (c) => takeTrafficReport(c, parts));
  if (options.credentials) addCredentialRoutes(app, options.credentials);
  if (options.accounts) addIssuer(app, options.accounts);
  if (options.metrics) addMetrics(app, options.metrics);
  app.all("/api/*", (c) => answerInTime(c, parts));
  app.all("/apis/*", (c) => answerInTime(c, parts));
  app.notFound((c) => sendStatus(c, failure(notFound())));
  app.onError((error, c) => sendStatus(c, statusFor(error, c.get("requestId"), options.log)));
  options.catalog.subscribe(() => parts.watches.endUnserved());
  options.credentials?.register.onChange(() => {
    parts.watches.endRevoked();
    parts.openStreams.endRevoked();
  });
  return {
    app,
    endStreams: () => {
      parts.watches.stop();
      parts.openStreams.stop();
    },
    upgrade: (upgrade) =>
      audit?.watchUpgrade(upgrade, (record) => handOver(parts, upgrade, record)) ??
        handOver(parts, upgrade),
  };
}

interface Parts extends Omit<ApiOptions, "streams"> {
  kinds: ServedKinds;
  authenticator: Authenticator;
  authorizer: Authorizer;
  escalation: EscalationContext;
  gate: Gate;
  fairness: Fairness;
  discovery: Discovery;
  /** Absent: nobody else can serve a group. */
  aggregation: Aggregation | undefined;
  openapi: Openapi;
  watches: Watches;
  keptLists: KeptLists;
  openStreams: OpenStreams;
  streams: ReadonlyMap<string, Stream>;
  versionInfo: VersionInfo;
}

function partsOf(options: ApiOptions): Parts {
  const { objects, catalog, nodeStreams, clock, random, log } = options;
  const kinds = new ServedKinds(catalog);
  const version = versionInfo(options.version);
  const { followedKinds: followed = FOLLOWED_KINDS } = options;
  const feeds = new NodeFeeds({ objects, kinds, followed, clock, random, log });
  const openStreams = new OpenStreams(options.tunnels, feeds);
  const { authorizers = AUTHORIZERS, streams = STREAMS, frontProxy } = options;
  const chain = authorizers.map((create) => create(objects));
  const authorizer = new AuthorizerChain(chain);
  objects.policies.askAccess(policyAccess(chain));
  const authenticator = new Authenticator(options);
  const view = new LocalClient(objects);
  const used = { usage: options.usage, tunnels: options.tunnels };
  const all = [...streams, ...(options.accounts ? [() => tokenRequests(options.accounts!)] : [])];
  return {
    ...options,
    kinds,
    openStreams,
    authenticator,
    authorizer,
    escalation: { view, rbac: new RbacAuthorizer(view) },
    fairness: new Fairness({ store: objects.store, clock }),
    gate: new Gate({ ...options, authenticator, authorizer }),
    discovery: new Discovery(kinds, REVIEWS),
    aggregation: frontProxy && new Aggregation({
      objects,
      nodeStreams,
      open: openStreams,
      clock,
      random,
      frontProxy,
    }),
    openapi: new Openapi(kinds, version.gitVersion),
    watches: new Watches({ objects, kinds, clock, random, log }),
    keptLists: new KeptLists(clock),
    streams: streamsOf(all, { nodeStreams, open: openStreams, feeds, clock, random, ...used }),
    versionInfo: version,
  };
}

/** Documents are there with a slash at the end of their paths, too. */
function getEither(
  app: Hono<ApiEnv>,
  path: string,
  answer: (c: ApiContext) => Response | Promise<Response>,
): void {
  app.get(path, answer);
  app.get(`${path}/`, answer);
}

function addDiscovery(app: Hono<ApiEnv>, parts: Parts): void {
  const { discovery, openapi, aggregation } = parts;
  for (const path of ["/api", "/apis"] as const) {
    const answer = async (c: ApiContext) => {
      const host = c.req.header("host") ?? "";
      if (path === "/api") refuseUnknownTypes(c.req.header("accept"));
      const remote = await aggregation?.versions();
      return sendDocument(c, discovery.root(path, c.req.header("accept"), host, remote));
    };
    getEither(app, path, answer);
  }
  getEither(app, "/api/:version", (c) => {
    refuseUnknownTypes(c.req.header("accept"));
    return sendDocument(c, discovery.version("", c.req.param("version")!));
  });
  getEither(
    app,
    "/apis/:group",
    async (c) =>
      sendDocument(c, discovery.group(c.req.param("group")!, await aggregation?.versions())),
  );
  getEither(app, "/apis/:group/:version", (c) => {
    const { group, version } = c.req.param() as { group: string; version: string };
    return aggregation?.answer(c, { group, version }) ??
      sendDocument(c, discovery.version(group, version));
  });
  app.get("/version", (c) => {
    refuseAllButJson(c.req.header("accept"));
    return sendJson(c, 200, parts.versionInfo);
  });
  app.get("/openapi/v2", (c) => sendOpenapiV2(c, openapi));
  app.get("/openapi/v3", async (c) => sendJson(c, 200, await openapi.index()));
  app.get("/openapi/v3/*", (c) => sendOpenapi(c, openapi));
  for (const path of ["/livez/:check?", "/readyz/:check?", "/healthz/:check?"]) {
    app.get(path, (c) => sendHealth(c, parts));
  }
}

/** Clients give watches and streams a `timeout`, too, which these have of their own. */
function answerInTime(c: ApiContext, parts: Parts): Promise<Response> {
  if (isLongRunning(c.get("info"))) return answer(c, parts);
  return inTime(c, parts.clock, () => answer(c, parts));
}

/** A request for objects. */
async function answer(c: ApiContext, parts: Parts): Promise<Response> {
  const path = c.get("info");
  if (!path.isResource) throw notFound();
  const kind = parts.kinds.find(path.group, path.version, path.resource);
  // What nobody stores here somebody else may serve: metrics-server, for one.
  if (!kind || kind.resource.madeUp) {
    const answered = await parts.aggregation?.answer(c, path);
    if (answered) return answered;
  }
  if (!kind) return await answerReview(c, path, parts);
  if (path.namespace !== undefined && !kind.resource.namespaced) throw notFound();
  const { objects, clock, escalation, keptLists } = parts;
  const request: ObjectRequest = { c, path, kind, objects, clock, escalation, keptLists };
  if (kind.resource.deprecation) c.get("warnings").push(kind.resource.deprecation);
  if (path.subresource !== undefined) {
    const queryOf = () => new URL(c.req.url).searchParams;
    const warnings = await admitConnection(parts, path, c.var, queryOf);
    c.get("warnings").push(...warnings);
    return answerSubresource(request, parts.streams);
  }
  if (!kind.resource.verbs.some((verb) => verb === path.verb)) throw methodNotAllowed();
  const isCollection = path.name === undefined && c.req.method === "GET";
  refuseUnanswerable(c.req.header("accept"), isCollection);
  if (kind.resource.madeUp) return answerMadeUp(request, factsOf(parts));
  if (path.name === undefined || path.isWatch) return answerCollection(request, parts.watches);
  return answerObject(request);
}

async function answerReview(
  c: ApiContext,
  { group, version, resource, namespace, name }: ResourceRequest,
  { authenticator, authorizer, clock }: Parts,
): Promise<Response> {
  const review = REVIEWS.find((one) =>
    one.group === group && one.version === version && one.plural === resource
  );
  const isPlaced = review && (namespace !== undefined) === (review.namespaced ?? false);
  if (!review || !isPlaced || name !== undefined) throw notFound();
  if (c.req.method !== "POST") throw methodNotAllowed();
  refuseUnknownTypes(c.req.header("accept"));
  plainFormatFor(c.req.header("accept"));
  const asked = { user: c.get("user"), namespace, authenticator, authorizer, clock };
  return sendAsAccepted(c, 201, await review.answer(await objectOf(c), asked));
}

function sendDocument(
  c: ApiContext,
  { body, contentType }: { body: unknown; contentType: string },
): Response {
  if (contentType !== "application/json") return sendJson(c, 200, body, contentType);
  plainFormatFor(c.req.header("accept"));
  return sendAsAccepted(c, 200, body);
}

function factsOf(parts: Parts): MadeUpFacts {
  const metrics: MadeUpFacts["metrics"] = async (of) => await parts.usage?.metrics(of) ?? [];
  return { serverFault: faultOf(parts), metrics };
}

/** Why the server cannot do its work, if so. */
function faultOf({ healthChecks = [] }: Parts): string | undefined {
  return healthChecks.map(({ fault }) => fault()).find((fault) => fault !== undefined);
}

function sendHealth(c: ApiContext, { healthChecks = [] }: Parts): Response {
  const query = {
    isVerbose: c.req.query("verbose") !== undefined,
    excluded: c.req.queries("exclude") ?? [],
  };
  const health = healthOf([PING, ...healthChecks], new URL(c.req.url).pathname, query);
  if (!health) throw notFound(); // not the name of a check
  return sendText(c, health.code, health.text);
}
const PING: HealthCheck = { name: "ping", isVital: true, fault: () => undefined };

function sendStatus(c: ApiContext, status: Status): Response {
  const retryAfter = status.details?.retryAfterSeconds;
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return sendAsAccepted(c, status.code, status, headers);
}

async function handOver(
  parts: Parts,
  upgrade: Upgrade,
  audit?: AuditRecord,
): Promise<Status | undefined> {
  const { incoming } = upgrade;
  try {
    const { info, user, isCurrent } = await parts.gate.admit({
      method: incoming.method ?? "GET",
      get url() {
        return urlOfTarget(incoming.url ?? "/").href;
      },
      authorization: incoming.headers.authorization,
      headers: incoming.rawHeaders,
      socket: incoming.socket,
    }, audit);
    const flow = parts.fairness.flowOf(user, info);
    await parts.fairness.seat(flow, user, info);
    flow.level.leave(); // a stream needs its seat to begin only
    refuseLargeBody(incoming.headers["content-length"]);
    const stream = info.isResource ? streamOf(parts, info) : undefined;
    if (!info.isResource || !stream?.upgrade) {
      throw new ApiError("NotImplemented", "this path takes no upgrades to another protocol");
    }
    const queryOf = () => urlOfTarget(incoming.url ?? "/").searchParams;
    await admitConnection(parts, info, { user, audit }, queryOf);
    await stream.upgrade({ ...upgrade, info, user, isCurrent, objects: parts.objects });
    return undefined;
  } catch (error) {
    return statusFor(error, parts.random.uuid(), parts.log);
  }
}
