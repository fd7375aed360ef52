export const MAPS = "/api/v1/namespaces/default/configmaps";
export const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** A request that is refused. */
export interface BadRequest {
  name: string;
  method?: string;
  path?: string;
  type?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | (() => string);
  /** Default: 400. */
  code?: number;
  message: RegExp;
}

const map = (more: string) =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}${more}}`;
const many = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(",");
const bomb = () => {
  const lists = Array.from(
    { length: 9 },
    (_, i) => `b${i}: &b${i} [${many(9, () => i ? `*b${i - 1}` : "lol")}]`,
  );
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n${lists.join("\n")}\n`;
};

/** Each of them is refused, for the reason that `message` says, and changes nothing. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  {
    name: "an unknown kind",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: "apiVersion: v1\nkind: Fod\nmetadata: {name: x}\n",
    code: 422,
    message: /line 2, column 1: fod\/x: no matches for kind "Fod" in version "v1"/,
  },
  {
    name: "a path of no kind",
    path: "/api/v1/namespaces/default/fods",
    body: "{}",
    code: 404,
    message: /could not find the requested resource/,
  },
  {
    name: "an unknown field",
    path: `${MAPS}?fieldValidation=Strict`,
    body: map(',"dta":{}'),
    message: /strict decoding error: unknown field "dta"/,
  },
  {
    name: "a wrong kind",
    body: '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}',
    message: /Secret in version "v1" cannot be handled as a ConfigMap/,
  },
  {
    name: "a bomb of aliases",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: bomb,
    message: /excessive aliasing/,
  },
  {
    name: "a bomb of aliases as one object",
    type: YAML_TYPE,
    body: bomb,
    message: /excessive aliasing/,
  },
  {
    name: "100 levels of JSON",
    body: map(`,"data":${"[".repeat(100)}${"]".repeat(100)}`),
    message: /nested more than 64 levels deep/,
  },
  {
    name: "100 levels of YAML in brackets",
    type: YAML_TYPE,
    body: `a: ${"[".repeat(100)}${"]".repeat(100)}`,
    message: /line 1, column \d+: nested more than 64 levels deep/,
  },
  {
    name: "100 levels of YAML by indent",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: Array.from({ length: 100 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    message: /nested more than 64 levels deep/,
  },
  {
    name: "three million brackets",
    body: () => "[".repeat(3_000_000),
    message: /nested more than 64 levels deep/,
  },
  {
    name: "a million values",
    body: () => map(`,"data":{${many(200_000, (i) => `"k${i}":1`)}}`),
    message: /more than 50000 values/,
  },
  {
    name: "a million values to apply",
    method: "PUT",
    path: "/apply",
    body: () => map(`,"x":[${many(500_000, () => "1")}]`),
    message: /line 1, column \d+: more than 50000 values/,
  },
  {
    name: "wrong values up to the limit",
    body: () => map(`,"data":{${many(45_000, (i) => `"k ${i}":1`)}}`),
    code: 422,
    message: /data\[k 0\]: Invalid value: 1: must be of type string/,
  },
  {
    name: "wrong labels up to the limit",
    body: () => `{"metadata":{"name":"x","labels":{${many(45_000, (i) => `"a b${i}":"/"`)}}}}`,
    code: 422,
    message: /metadata\.labels: Invalid value/,
  },
  {
    name: "unknown fields up to the limit",
    method: "PUT",
    path: "/apply",
    body: () => map(`,${many(45_000, (i) => `"u${i}":1`)}`),
    code: 422,
    message: /unknown field "u0"/,
  },
  {
    name: "YAML of three million bytes",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: () => "- a\n".repeat(750_000),
    message: /more than 100000 words and signs/,
  },
  {
    name: "YAML just below the limit",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: () => `a:\n${"- b: c\n".repeat(10_000)}`,
    code: 422,
    message: /apiVersion: Required value/,
  },
  {
    name: "a thousand wrong documents",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: () =>
      Array.from(
        { length: 999 },
        (_, i) => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m${i}}\nbad: 1\n`,
      ).join(""),
    code: 422,
    message: /999 of 999 objects cannot be applied, nothing was changed/,
  },
  {
    name: "a list of a thousand wrong objects",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: () =>
      `kind: List\nitems:\n${
        Array.from({ length: 999 }, (_, i) =>
          `- {apiVersion: v1, kind: ConfigMap, metadata: {name: m${i}}, bad: 1}\n`).join("")
      }`,
    code: 422,
    message: /999 of 999 objects/,
  },
  {
    name: "more documents than allowed",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: () => "---\na: 1\n".repeat(1001),
    message: /more than 1000 documents/,
  },
  {
    name: "a body of 10 MB",
    body: () => map(`,"data":{"a":"${"a".repeat(10_000_000)}"}`),
    code: 413,
    message: /limit is 3145728/,
  },
  {
    name: "a value too large to keep",
    body: () => map(`,"data":{"a":"${"a".repeat(2_000_000)}"}`),
    code: 422,
    message: /Too long/,
  },
  {
    name: "a name of three million letters",
    body: () => `{"metadata":{"name":"${"a".repeat(3_000_000)}"}}`,
    code: 422,
    message: /must be no more than 253 characters/,
  },
  {
    name: "half of an object",
    body: '{"metadata":{"name":"x"',
    message: /unable to decode the body/,
  },
  { name: "nothing", body: "", message: /unable to decode the body/ },
  { name: "a number", body: "7", message: /object provided is unrecognized/ },
  {
    name: "invalid UTF-8 in JSON",
    body: Uint8Array.from([123, 34, 255, 34, 58, 49, 125]),
    message: /invalid UTF-8 at byte 2/,
  },
  {
    name: "invalid UTF-8 in YAML",
    method: "PUT",
    path: "/apply",
    type: YAML_TYPE,
    body: Uint8Array.from([97, 58, 32, 10, 98, 58, 0xc3, 0x28]),
    message: /line 2, column 3: invalid UTF-8/,
  },
  { name: "UTF-16", body: Uint8Array.from([0xff, 0xfe, 123, 0, 125, 0]), message: /invalid UTF-8/ },
  {
    name: "a content type of another world",
    type: "text/html",
    body: "<p>",
    code: 415,
    message: /accepted media types include: application\/json/,
  },
  {
    name: "a form",
    method: "PUT",
    path: "/apply",
    type: "multipart/form-data; boundary=x",
    body: "--x--",
    code: 415,
    message: /accepted media types include: application\/yaml/,
  },
  {
    name: "server-side apply by nobody",
    method: "PATCH",
    path: `${MAPS}/kept`,
    type: "application/apply-patch+yaml",
    body: "{}",
    code: 422,
    message: /fieldManager: Required value: is required for apply patch/,
  },
  {
    name: "protobuf that is none",
    type: "application/vnd.kubernetes.protobuf",
    body: "k8s\0xxxxxxxx",
    code: 415,
    message: /cannot be read as application\/vnd\.kubernetes\.protobuf/,
  },
  {
    name: "equal keys in JSON",
    path: `${MAPS}?fieldValidation=Strict`,
    body: '{"metadata":{"name":"x","name":"y"}}',
    message: /duplicate field "metadata.name"/,
  },
  {
    name: "equal keys in YAML",
    path: `${MAPS}?fieldValidation=Strict`,
    type: YAML_TYPE,
    body: "metadata: {name: x}\ndata: {}\ndata: {}\n",
    message:
      /strict decoding error: yaml: unmarshal errors:\n {2}line 3: key "data" already set in map/,
  },
  {
    name: "a key that reaches for the prototype",
    body: '{"metadata":{"name":"x"},"__proto__":{"a":1}}',
    message: /"__proto__" is not allowed/,
  },
  {
    name: "a tag of another language",
    type: YAML_TYPE,
    body: "!!js/function a: b\n",
    message: /tag/,
  },
  {
    name: "a patch that is none",
    method: "PATCH",
    path: `${MAPS}/kept`,
    type: "application/json-patch+json",
    body: '[{"op":"move"}]',
    message: /./,
  },
  {
    name: "a patch of what is not there",
    method: "PATCH",
    path: `${MAPS}/kept`,
    type: "application/json-patch+json",
    body: '[{"op":"test","path":"/data/a","value":"2"}]',
    code: 422,
    message: /./,
  },
  {
    name: "a wrong method",
    method: "PUT",
    path: MAPS,
    body: "{}",
    code: 405,
    message: /does not allow this method/,
  },
  {
    name: "a wrong method of apply",
    path: "/apply",
    body: "{}",
    code: 405,
    message: /send manifests by PUT/,
  },
  {
    name: "a bad limit",
    method: "GET",
    path: `${MAPS}?limit=many`,
    message: /parsing "many": invalid syntax/,
  },
  {
    name: "a bad resourceVersion",
    method: "GET",
    path: `${MAPS}?resourceVersion=x`,
    message: /^invalid resource version: .*strconv\.ParseUint: parsing "x": invalid syntax/,
  },
  {
    name: "a bad field selector",
    method: "GET",
    path: `${MAPS}?fieldSelector=spec.colour%3Dred`,
    message: /field label not supported|not a known field selector/,
  },
  {
    name: "a bad label selector",
    method: "GET",
    path: `${MAPS}?labelSelector=a%20in%20(`,
    message: /unable to parse requirement|found/,
  },
  {
    name: "a bad time-out",
    method: "GET",
    path: `${MAPS}?watch=1&timeoutSeconds=soon`,
    message: /parsing "soon": invalid syntax/,
  },
  { name: "a bad continue", method: "GET", path: `${MAPS}?continue=zzz`, message: /continue/ },
  {
    name: "a bad dry run",
    path: `${MAPS}?dryRun=Some`,
    body: map(""),
    code: 422,
    message: /dryRun: Unsupported value: \["Some"\]: supported values: "All"/,
  },
  {
    name: "a bad field validation",
    path: `${MAPS}?fieldValidation=Maybe`,
    body: map(""),
    code: 422,
    message: /fieldValidation: Unsupported value/,
  },
  {
    name: "a bad grace",
    method: "DELETE",
    path: `${MAPS}/kept?gracePeriodSeconds=soon`,
    code: 422,
    message: /gracePeriodSeconds: Invalid value/,
  },
  {
    name: "a bad propagation",
    method: "DELETE",
    path: `${MAPS}/kept?propagationPolicy=Never`,
    code: 422,
    message: /propagationPolicy: Unsupported value/,
  },
  {
    name: "a way up in a path",
    method: "GET",
    path: `${MAPS}/..%2f..%2fsecrets`,
    code: 404,
    message: /not found/,
  },
  {
    name: "a way up in a name",
    body: '{"metadata":{"name":"../../etc/passwd"}}',
    code: 422,
    message: /metadata\.name: Invalid value/,
  },
  {
    name: "a way up in a namespace",
    path: "/api/v1/namespaces/..%2f..%2fx/configmaps",
    body: map(""),
    code: 404,
    message: /not found/,
  },
  {
    name: "a name with a null byte",
    body: '{"metadata":{"name":"a\\u0000b"}}',
    code: 422,
    message: /metadata\.name: Invalid value/,
  },
  {
    name: "a percent sign that stands alone",
    method: "GET",
    path: `${MAPS}/%zz`,
    code: 404,
    message: /./,
  },
  {
    name: "an unwanted answer",
    method: "GET",
    path: MAPS,
    headers: { accept: "image/png" },
    code: 406,
    message:
      /^406: Not Acceptable\n\nAvailable representations: application\/json, application\/yaml/,
  },
  {
    name: "an upgrade to nothing",
    method: "GET",
    path: "/api/v1/namespaces/default/pods/x/exec?command=sh",
    code: 404,
    message: /./,
  },
  {
    name: "a wrong token",
    method: "GET",
    path: MAPS,
    headers: { authorization: "Bearer wrong" },
    code: 401,
    message: /^Unauthorized$/,
  },
  {
    name: "a token of the wrong scheme",
    method: "GET",
    path: MAPS,
    headers: { authorization: "Basic YWRtaW46YWRtaW4=" },
    code: 401,
    message: /^Unauthorized$/,
  },
  {
    name: "no credentials",
    method: "PUT",
    path: "/apply",
    headers: { authorization: "" },
    body: "a: 1",
    code: 401,
    message: /^Unauthorized$/,
  },
];
