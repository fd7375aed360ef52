import assert from "node:assert/strict";
import { RESOURCES } from "../core/resources/mod.ts";
import { groupResourceOf } from "../core/resources/resource.ts";
import { filesUnder, folderOf, isTest, type Source, sourceTree } from "./source_tree.ts";

/** The floors of the house: which folder may import from which. A folder may always import from itself. */
const BELOW_OBJECTS = [
  "core/lib",
  "core/schema",
  "core/manifest",
  "core/resources",
  "core/store",
  "core/client",
  "core/quota",
  "core/traffic",
  "core/usage",
];
const BELOW_SERVER = [
  ...BELOW_OBJECTS,
  "core/objects",
  "core/api",
  "core/controllers",
  "core/scheduler",
  "agent",
  "proxy",
];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "core/lib": [],
  "core/schema": ["core/lib"],
  "core/manifest": ["core/lib", "core/schema"],
  "core/resources": ["core/lib", "core/schema"],
  "core/store": ["core/lib", "core/schema", "core/resources"],
  "core/client": ["core/lib", "core/schema", "core/resources", "core/store"],
  "core/quota": ["core/lib", "core/schema", "core/resources"],
  "core/traffic": ["core/lib", "core/schema", "core/resources", "core/client"],
  "core/usage": ["core/lib", "core/schema", "core/resources", "core/client"],
  "core/objects": BELOW_OBJECTS,
  "core/api": [...BELOW_OBJECTS, "core/objects"],
  "core/controllers": BELOW_OBJECTS,
  "core/scheduler": [...BELOW_OBJECTS, "core/controllers"],
  "agent": BELOW_OBJECTS,
  "proxy": BELOW_OBJECTS,
  "server": BELOW_SERVER,
  "cli": [...BELOW_SERVER, "server"],
};
/** Source files that a folder may hold, without those that test. */
const FOLDER_FILES_MAX = 25;
/** The one file of the controllers that may also see the verbs. */
const SEES_OBJECTS = "core/controllers/runtime/run_controller.ts";

/** What is not deterministic or belongs to an edge: the files that may use it, and what others use. */
const BANNED: readonly { pattern: RegExp; allowed: RegExp; instead: string }[] = [
  { pattern: /\bDate\.now\(/, allowed: /^core\/lib\/clock\.ts$/, instead: "clock.now()" },
  { pattern: /\bnew Date\(\)/, allowed: /^$/, instead: "new Date(clock.now())" },
  { pattern: /\bset(Timeout|Interval)\(/, allowed: /^core\/lib\/clock\.ts$/, instead: "clock" },
  { pattern: /\bMath\.random\(/, allowed: /^$/, instead: "random.next()" },
  { pattern: /\bcrypto\.randomUUID\(/, allowed: /^$/, instead: "random.uuid()" },
  { pattern: /\bDeno\.dlopen\(/, allowed: /^core\/lib\/linux\//, instead: "core/lib/linux" },
  {
    // The runtime calls any certificate authorized on a resumed TLS session.
    pattern: /^[^*/]*(\.authorized|\bauthorizationError)\b/,
    allowed: /^$/,
    instead: "core/api/access/client_certificates.ts",
  },
  {
    pattern: /^[^*/"]*\b(init|ephemeral)Containers\b/,
    allowed: /^core\/resources\//,
    instead: "containersOf and its like",
  },
  { pattern: /\bconsole\./, allowed: /^$/, instead: "a Log" },
];

/**
 * Reads of a record whose names users give, by a name that is no constant: `labels[key]` is a function for the label
 * `constructor`, and `key in labels` is true.
 */
const INHERITING: readonly RegExp[] = [
  /\b(labels|annotations|data|binaryData|stringData|limits|requests|nodeSelector|matchLabels|allocatable|capacity|properties|memories|busy)!?(\?\.)?\[(?!["'`\dA-Z$])/,
  /(?<!const )\b(key|name|field|label|path) in [a-z][\w.]*[)\s]*([)&|?;:]|$)/,
];

/** Where `Deno.*` may be used: the edges of the product. */
const EDGES =
  /^(main\.ts|server\/|cli\/|core\/lib\/((linux|tcp)\/|(absent|heap)\.ts)|core\/store\/(encryption\/secret_key_file|kv\/(kv_.*|(fenced|owned|remote)_kv|store_(check|file|backup|restoration)|room\/disk_ballast|.*lock.*)|etcd\/etcd_client.*)\.ts|core\/client\/https_transport\.ts|core\/api\/(access\/credential_files|audit\/(rotating_file|open_audit)|http\/.*descriptor)\.ts|agent\/(dns\/(sockets|threads)|cgroups|network|volumes|logs|folders|runtimes|static_pods|stats|images\/intake)\/|agent\/(node\/machine|probes\/connection|checkpoint\/checkpoint_disk)\.ts|proxy\/engine\/deno\/)/;

/** Packages that only one place may know. */
const PACKAGE_HOMES: Readonly<Record<string, RegExp>> = {
  "hono": /^core\/api\//,
  "@hono/node-server": /^core\/api\//,
  "@peculiar/x509": /_test\.ts$|^tests\//,
  "yaml": /^core\/manifest\//,
  "rfc6902": /_test\.ts$|^tests\//,
  "protobufjs": /^core\/api\//,
  "commander": /^cli\//,
  "@kubernetes/client-node": /_test\.ts$|^tests\//,
  "fast-check": /_test\.ts$|^tests\/|_contract\.ts$/,
};

/**
 * What of the verbs and the API knows single kinds, because it is about them; everything else takes what it needs to
 * know from the declaration of a kind.
 */
const KNOWS_KINDS: readonly RegExp[] = [
  /^core\/objects\/bootstrap\.ts$/, // what every cluster has from the start
  /^core\/objects\/admission\/(limit_ranger|namespace_lifecycle|certificate_requests|resource_quota|plugins\/.*|service_accounts|pod_security\/.*)\.ts$/,
  /^core\/objects\/admission\/((rule_matching|request_selection)\.ts|policies\/|webhooks\/)/,
  /^core\/objects\/conversion\//, // of custom resources, as their definitions say
  /^core\/api\/tunnels\/lease_keeper/, // renews the leases of nodes
  /^core\/api\/access\/(nodes|joining)\//, // what a node may do, and who may become one
  /^core\/api\/access\/(service_accounts\/|impersonation\.ts)/, // accounts, and what their tokens are bound to
  /^core\/(api\/access\/(rbac\/|rbac_authorizer\.ts|escalation\.ts|signer_rights\.ts)|objects\/default_rights\.ts$)/, // roles and their bindings
  /^core\/api\/audit\/event\.ts$/, // events of the audit log are called Event, too
  /^core\/(api\/fairness\/|objects\/default_flows\.ts$)/, // which requests wait for which
  /^core\/api\/(streams|images|aggregation)\//,
  /^core\/api\/watch\/feed\//, // which objects of which kinds a node follows
  /^core\/objects\/subresources\/scale\.ts$/, // a Scale is of the group of autoscalers
  /^core\/api\/http\/(resource_path|generate_protobuf_descriptor)\.ts$/, // paths of what lies in a namespace
];

const FUNCTION_LINES_MAX = 40;
const FILE_LINES_MAX = 400;
const TEST_FILE_LINES_MAX = 600;

const tree = sourceTree();
const product = tree.filter(({ path }) =>
  !isTest(path) && /^(core|agent|proxy|server|cli)\/|^main/.test(path)
);

Deno.test("folders import only downwards", () => {
  const faults = product.flatMap(({ path, imports }) =>
    imports.filter((target) => !mayImport(path, target)).map((target) =>
      `${path} imports ${target}`
    )
  );
  assert.deepEqual(faults, []);
});

Deno.test("folders that lie side by side, or one in the other, do not import each other", () => {
  assert.deepEqual(folderCircles(product), []);
});

Deno.test("a folder is a shelf that one can take in", () => {
  const counts = new Map<string, number>();
  for (const { path } of product) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const full = [...counts].filter(([, count]) => count > FOLDER_FILES_MAX);
  assert.deepEqual(full, []);
});

Deno.test("docs/ARCHITECTURE.md names every folder of the product, and no other", () => {
  const [, section = ""] = Deno.readTextFileSync("docs/ARCHITECTURE.md").split(
    "## Where things are",
  );
  const named = [...section.split("```")[1]!.matchAll(/^([\w/.]+) {2,}\S/gm)].map(([, path]) =>
    path!
  );
  const folders = product.map(({ path }) =>
    path === "main.ts" ? path : path.replace(/\/[^/]*$/, "")
  );
  assert.deepEqual(named.toSorted(), [...new Set(folders)].sort());
});

Deno.test("docs/ARCHITECTURE.md names files and functions that exist", () => {
  const text = Deno.readTextFileSync("docs/ARCHITECTURE.md").replace(/```[^]*?```/g, "");
  const names = [...new Set([...text.matchAll(/`([^`\s]+)`/g)].map(([, name]) => name!))];
  const isPath = (name: string) => /\/|\.ts$/.test(name);
  const isCode = (name: string) => /^[A-Za-z]\w*(\.\w+)?(\(.*\))?$/.test(name);
  const faults = names.filter((name) => isPath(name) || isCode(name)).filter((name) =>
    !exists(name) && (isPath(name) || !isDeclared(name.replace(/\(.*/, "")))
  );
  assert.deepEqual(faults, []);
});

Deno.test("files do not import each other in a circle", () => {
  assert.deepEqual(cyclesIn(product), []);
});

Deno.test("time, chance, foreign functions and the containers of a pod come from one place", () => {
  const faults = product.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      BANNED.filter(({ pattern, allowed }) => pattern.test(line) && !allowed.test(path))
        .map(({ instead }) => `${path}:${index + 1}: use ${instead}`)
    )
  );
  assert.deepEqual(faults, []);
});

Deno.test("a name that users give is looked up as a field of its own: with ownField or Object.hasOwn", () => {
  const faults = product.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      !/^\s*(\/\/|\*|\/\*)/.test(line) && INHERITING.some((pattern) => pattern.test(line))
        ? [`${path}:${index + 1}: ${line.trim()}`]
        : []
    )
  );
  assert.deepEqual(faults, []);
});

Deno.test("the verbs and the API know no single kind, but for what is about some", () => {
  const words = new Set(RESOURCES.flatMap((resource) => {
    const { group, kind, plural } = resource;
    return [kind, plural, groupResourceOf(resource), ...group === "" ? [] : [group]];
  }));
  const knowing = product.filter(({ path }) => /^core\/(objects|api)\//.test(path))
    .filter(({ imports, lines }) =>
      imports.some((target) => /^core\/resources\/\w+\//.test(target)) ||
      lines.some((line) =>
        !/^\s*(\/\/|\*|\/\*)/.test(line) &&
        [...line.matchAll(/["`]([\w.]+)["`]/g)].some(([, word]) => words.has(word!))
      )
    ).map(({ path }) => path);
  const faults = knowing.filter((path) => !KNOWS_KINDS.some((pattern) => pattern.test(path)));
  assert.deepEqual(faults, []);
  const idle = KNOWS_KINDS.filter((pattern) => !knowing.some((path) => pattern.test(path)));
  assert.deepEqual(idle, []);
});

Deno.test("Deno is called only at the edges", () => {
  const faults = product.filter(({ path }) => !EDGES.test(path)).flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => /^[^*/]*\bDeno\./.test(line) ? [`${path}:${index + 1}`] : [])
  );
  assert.deepEqual(faults, []);
});

Deno.test("a library is known to one place", () => {
  const faults = tree.flatMap(({ path, packages }) =>
    packages.flatMap((name) => {
      const root = name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/");
      const home = PACKAGE_HOMES[root];
      return home === undefined || home.test(path) || isTest(path)
        ? []
        : [`${path} imports ${name}`];
    })
  );
  assert.deepEqual(faults, []);
});

Deno.test("functions fit on a screen and files in a head", () => {
  const faults = tree.flatMap(({ path, lines }) => {
    const linesMax = isTest(path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX;
    return [
      ...(lines.length > linesMax ? [`${path} has ${lines.length} lines`] : []),
      ...(isTest(path) ? [] : longFunctions(lines)).map(({ line, length }) =>
        `${path}:${line}: a function of ${length} lines`
      ),
    ];
  });
  assert.deepEqual(faults, []);
});

Deno.test("files are nouns in snake_case, and none is a drawer for everything", () => {
  const faults = tree.map(({ path }) => path).filter((path) => {
    const name = path.split("/").at(-1)!.replace(/\.ts$/, "");
    return !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name) ||
      /^(utils?|helpers?|common|types|manager)$/.test(name);
  });
  assert.deepEqual(faults, []);
});

Deno.test("every file of the product is reached from main.ts, a test, a task or a bench", () => {
  const known = new Map(tree.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const target of known.get(path)?.imports ?? []) visit(target);
  };
  const tasks = Deno.readTextFileSync("deno.json").match(/[\w/]+\.ts\b/g) ?? [];
  for (const path of ["main.ts", ...tasks]) visit(path);
  const scripts = (path: string) => /^(bench|examples)\//.test(path) || path.includes("/generate_");
  for (const { path } of tree) if (path.endsWith("_test.ts") || scripts(path)) visit(path);
  assert.deepEqual(tree.map(({ path }) => path).filter((path) => !reached.has(path)), []);
});

Deno.test("links in the documents lead somewhere", () => {
  const faults = [...filesUnder(".", ".md")].flatMap((path) => {
    const text = Deno.readTextFileSync(path);
    return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map((match) => new URL(match[1]!, `file:///${path}`).pathname.slice(1))
      .filter((target) => !exists(target))
      .map((target) => `${path} links to ${target}`);
  });
  assert.deepEqual(faults, []);
});

Deno.test("files of tests/e2e, which run beside each other, have addresses of their own", () => {
  const owners = new Map<string, string[]>();
  for (const path of filesUnder("tests/e2e", "_test.ts")) {
    const text = Deno.readTextFileSync(path);
    const taken = [...text.matchAll(/(?:subnet: |SUBNET = |Machines?\.start\()(\d+)\b/g)];
    for (const subnet of new Set(taken.map((match) => match[1]!))) {
      owners.set(subnet, [...owners.get(subnet) ?? [], path]);
    }
    assert.doesNotMatch(text, /SUBNET \+/, `${path}: write the number, so that it can be compared`);
  }
  assert.ok(owners.size > 20, "no addresses were found");
  assert.deepEqual([...owners].filter(([, paths]) => paths.length > 1), []);
});

function mayImport(path: string, target: string): boolean {
  const [from, to] = [folderOf(path), folderOf(target)];
  if (from === to || from === "main.ts") return true;
  if (path === SEES_OBJECTS && to === "core/objects") return true;
  return !target.endsWith(".ts") || (MAY_IMPORT[from]?.includes(to) ?? false);
}

/** Whether the product declares `name`, or `Type.member` in one file. */
function isDeclared(name: string): boolean {
  const [first, member] = name.split(".") as [string, string?];
  const declaration = new RegExp(
    `\\b(function\\*?|class|interface|type|const) ${first}\\b|^  +(async |readonly )*#?${first}\\??[(<:]`,
  );
  const memberDeclaration = new RegExp(
    `^ +(async |get |static |readonly |\\*)*${member}\\??[(<:,]`,
  );
  return product.some(({ lines }) =>
    lines.some((line) => declaration.test(line)) &&
    (member === undefined || lines.some((line) => memberDeclaration.test(line)))
  );
}

/** Pairs of folders, neighbours or one in the other, that import each other. What `mod.ts` lists lies below it. */
function folderCircles(sources: readonly Source[]): string[] {
  const edges = new Set<string>();
  for (const { path, imports } of sources) {
    if (path.endsWith("/mod.ts")) continue;
    for (const target of imports) {
      if (!target.endsWith(".ts")) continue;
      const [from, to] = whereTheyPart(path, target);
      if (from !== to) edges.add(`${from} ${to}`);
    }
  }
  return [...edges].filter((edge) => {
    const [from, to] = edge.split(" ") as [string, string];
    return from < to && edges.has(`${to} ${from}`);
  }).map((edge) => edge.replace(" ", " ↔ ")).sort();
}

/** The folders of two files at the first level at which they differ. */
function whereTheyPart(a: string, b: string): [string, string] {
  const [from, to] = [a.split("/").slice(0, -1), b.split("/").slice(0, -1)];
  let depth = 0;
  while (depth < from.length && depth < to.length && from[depth] === to[depth]) depth++;
  const upTo = (parts: string[]) => parts.slice(0, depth + 1).join("/");
  return [upTo(from), upTo(to)];
}

/** One circle for each file that reaches itself, named by its path through the others. */
function cyclesIn(sources: readonly Source[]): string[] {
  const known = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const target of known.get(path)?.imports ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return cycles;
}

/** Relies on `deno fmt`: a function ends at the first `}`, or `},` in an object, that is indented like its start. */
function longFunctions(lines: readonly string[]): { line: number; length: number }[] {
  return lines.flatMap((text, start) => {
    const indent = text.match(/^( {0,4})(?:export )?(?:async )?(?:function\*? |[#\w]+[<(]).*\{$/)
      ?.[1];
    if (indent === undefined || /^\s*(if|for|while|switch|return|describe|Deno)\b/.test(text)) {
      return [];
    }
    const isMethod = /\)(: .+)? \{$/.test(text);
    const ends = [`${indent}}`, ...isMethod ? [`${indent}},`] : []];
    const length = lines.slice(start).findIndex((line) => ends.includes(line)) + 1;
    return length > FUNCTION_LINES_MAX ? [{ line: start + 1, length }] : [];
  });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path === "" ? "." : path);
    return true;
  } catch {
    return false; // not there, or not readable: the link is of no use either way
  }
}
