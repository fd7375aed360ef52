/**
 * Writes `protobuf_descriptor.json`: what the messages of Kubernetes' protobuf look like, and which field of
 * which Go type they are. Run after a new Kubernetes release, with Go installed:
 *
 *     deno run -A core/api/http/generate_protobuf_descriptor.ts
 *
 * Source: `generated.proto` and `types.go` of k8s.io/api and k8s.io/apimachinery (Apache-2.0), from the Go module proxy.
 */
import protobuf from "protobufjs";
import type { Descriptor, FieldDescriptor } from "./protobuf.ts";
import { FieldShape } from "./protobuf.ts";

const VERSION = "v0.34.4";
/** Folders of Go modules whose kinds clients send as protobuf. */
const PACKAGES = [
  "api/core/v1",
  "api/admissionregistration/v1",
  "api/apps/v1",
  "api/authentication/v1",
  "api/authorization/v1",
  "api/autoscaling/v1",
  "api/autoscaling/v2",
  "api/batch/v1",
  "api/certificates/v1",
  "api/coordination/v1",
  "api/discovery/v1",
  "api/events/v1",
  "api/flowcontrol/v1",
  "api/networking/v1",
  "api/node/v1",
  "api/policy/v1",
  "api/rbac/v1",
  "api/scheduling/v1",
  "api/storage/v1",
  "apiextensions-apiserver/pkg/apis/apiextensions/v1",
  "kube-aggregator/pkg/apis/apiregistration/v1",
  "metrics/pkg/apis/metrics/v1beta1",
];
/** Go packages whose API group is not their name. */
const GROUPS: Readonly<Record<string, string>> = {
  core: "",
  admissionregistration: "admissionregistration.k8s.io",
  apiextensions: "apiextensions.k8s.io",
  apiregistration: "apiregistration.k8s.io",
  authentication: "authentication.k8s.io",
  authorization: "authorization.k8s.io",
  certificates: "certificates.k8s.io",
  coordination: "coordination.k8s.io",
  discovery: "discovery.k8s.io",
  events: "events.k8s.io",
  flowcontrol: "flowcontrol.apiserver.k8s.io",
  metrics: "metrics.k8s.io",
  networking: "networking.k8s.io",
  node: "node.k8s.io",
  rbac: "rbac.authorization.k8s.io",
  scheduling: "scheduling.k8s.io",
  storage: "storage.k8s.io",
};

if (import.meta.main) await main();

async function main(): Promise<void> {
  const modules = ["apimachinery", ...new Set(PACKAGES.map((path) => path.split("/")[0]!))];
  const folders: Record<string, string> = {};
  for (const module of modules) folders[module] = await moduleFolder(`k8s.io/${module}`);
  const root = loadMessages(folders);
  const fields = await goFields(folders);
  const descriptor: Descriptor = { kinds: {}, messages: {} };
  for (const path of PACKAGES) addKinds(descriptor, root, path, fields);
  // Typed clients send it with their own group and version; the decoder looks for the kind alone.
  descriptor.kinds["/DeleteOptions"] = "meta.v1.DeleteOptions";
  addMessage(
    descriptor,
    root.lookupType("k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
    fields,
  );
  const path = new URL("./protobuf_descriptor.json", import.meta.url);
  await Deno.writeTextFile(path, textOf(descriptor));
}

async function moduleFolder(name: string): Promise<string> {
  const command = new Deno.Command("go", {
    args: ["mod", "download", "-json", `${name}@${VERSION}`],
    cwd: await Deno.makeTempDir(),
  });
  const { stdout } = await command.output();
  return JSON.parse(new TextDecoder().decode(stdout)).Dir;
}

function loadMessages(folders: Readonly<Record<string, string>>): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.replace(/^k8s\.io\/([\w-]+)\//, (_, name) => `${folders[name]}/`);
  root.loadSync(PACKAGES.map((path) => `k8s.io/${path}/generated.proto`));
  return root;
}

/** What the Go types say that the messages do not, by `core.v1.Volume.volumeSource`. */
interface GoFields {
  /** Embedded structs: a message of its own on the wire, flat in JSON. */
  inlined: Set<string>;
  /** `omitempty`, and no pointer: on the wire even when zero, never in JSON then. */
  omitted: Set<string>;
  /** Names in JSON that are not those of the messages. */
  named: Map<string, string>;
}

async function goFields(folders: Readonly<Record<string, string>>): Promise<GoFields> {
  const fields: GoFields = { inlined: new Set(), omitted: new Set(), named: new Map() };
  for (const path of [...PACKAGES, "apimachinery/pkg/apis/meta/v1"]) {
    const [module = "", ...rest] = path.split("/");
    const folder = [folders[module], ...rest].join("/");
    const name = rest.slice(-2).join(".");
    for await (const { name: file } of Deno.readDir(folder)) {
      if (!/types(_jsonschema)?\.go$/.test(file)) continue;
      const source = await Deno.readTextFile(`${folder}/${file}`);
      addGoFields(fields, name, source);
    }
  }
  return fields;
}

function addGoFields(fields: GoFields, packageName: string, source: string): void {
  for (const [, type, body] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const tagged =
      /^\s*(?:(\w+)\s+)?(\S+)\s+`json:"([^",]*)(?:,(\w+))?"[^`\n]* protobuf:"[^"]*name=(\w+)[^"]*"/gm;
    for (const [, , goType, inJson, option, field] of body!.matchAll(tagged)) {
      const name = `${packageName}.${type}.${field}`;
      if (inJson && inJson !== "-" && inJson !== field) fields.named.set(name, inJson);
      if (option === "inline") fields.inlined.add(name);
      if (option === "omitempty" && !goType!.startsWith("*")) fields.omitted.add(name);
    }
  }
}

function addKinds(
  descriptor: Descriptor,
  root: protobuf.Root,
  path: string,
  go: GoFields,
): void {
  const [name = "", version = ""] = path.split("/").slice(-2);
  const group = GROUPS[name] ?? name;
  const fullName = `k8s.io.${path.replaceAll("/", ".").replaceAll("-", "_")}`;
  const namespace = root.lookup(fullName) as protobuf.Namespace;
  for (const type of namespace.nestedArray) {
    if (!(type instanceof protobuf.Type) || !isKind(type)) continue;
    const apiVersion = group ? `${group}/${version}` : version;
    descriptor.kinds[`${apiVersion}/${type.name}`] = shortName(type);
    addMessage(descriptor, type, go);
  }
}

/** Objects have metadata; lists, which have it too, are never sent. */
function isKind(type: protobuf.Type): boolean {
  const { metadata } = type.fields;
  return metadata !== undefined &&
    shortName(metadata.resolve().resolvedType!) === "meta.v1.ObjectMeta";
}

function addMessage(
  descriptor: Descriptor,
  type: protobuf.Type,
  go: GoFields,
): void {
  const name = shortName(type);
  if (descriptor.messages[name]) return;
  const fields: FieldDescriptor[] = [];
  descriptor.messages[name] = fields;
  for (const field of type.fieldsArray) {
    const { resolvedType } = field.resolve();
    const shape = field.map
      ? FieldShape.map
      : field.repeated
      ? FieldShape.list
      : go.inlined.has(`${name}.${field.name}`)
      ? FieldShape.inline
      : FieldShape.single;
    const typeName = resolvedType ? shortName(resolvedType) : field.type;
    const isOmitted = shape === FieldShape.single && !resolvedType &&
      go.omitted.has(`${name}.${field.name}`);
    const shown = isOmitted ? FieldShape.nonzero : shape;
    fields.push([
      field.id,
      go.named.get(`${name}.${field.name}`) ?? field.name,
      resolvedType instanceof protobuf.Enum ? "int32" : typeName,
      shown,
    ]);
    if (resolvedType instanceof protobuf.Type) addMessage(descriptor, resolvedType, go);
  }
}

/** `core.v1.Pod`, `meta.v1.Time`, `resource.Quantity`: the last parts tell them all apart. */
function shortName(type: protobuf.ReflectionObject): string {
  return type.fullName
    .replace(/^\.k8s\.io\.(api|(apiextensions_apiserver|kube_aggregator|metrics)\.pkg\.apis)\./, "")
    .replace(/^\.k8s\.io\.apimachinery\.pkg\.(apis\.|api\.|util\.)?/, "");
}

/** One line for each kind and message, so that a new release shows as a readable difference. */
function textOf({ kinds, messages }: Descriptor): string {
  const lines = (record: Readonly<Record<string, unknown>>) =>
    Object.entries(record).map(([name, value]) =>
      `${JSON.stringify(name)}:${JSON.stringify(value)}`
    )
      .join(",\n");
  return `{"kinds":{\n${lines(kinds)}\n},"messages":{\n${lines(messages)}\n}}\n`;
}
