import assert from "node:assert/strict";
import fc from "fast-check";
import { ascii, textOf } from "../messages/characters.ts";
import { ALL_SPELLINGS, NormalPath, normalPathOf, pathAfter } from "./normal_path.ts";

const NONE = { allowsEncodedSlash: false, allowsBackslash: false, allowsEncodedNull: false };

Deno.test("all spellings of a path have one normal form", () => {
  const forms: Record<string, string[]> = {
    "/admin": [
      "/admin",
      "/%61dmin",
      "/%61%64%6D%69%6e",
      "//admin",
      "///admin",
      "/x/../admin",
      "/./admin",
      "/x/%2e%2e/admin",
      "/x/.%2E/admin",
      "/%2e/admin",
      "/../../admin",
      "/admin;x",
      "/admin;x=1;y",
      "/;x/admin",
      "/x/..;/admin",
      "/x/..;a=b/admin",
      "/.;/admin",
      "/x//../admin",
    ],
    "/admin/": ["/admin/", "/admin//", "/admin/.", "/admin/x/..", "/admin;x/", "/admin/;x"],
    "/": ["/", "//", "/.", "/..", "/x/..", "/;x", "/%2e%2e"],
    "/a%C3%A9": ["/a%c3%a9", "/a%C3%A9"],
    "/%25": ["/%25"],
    "/%3F%23%3B": ["/%3f%23%3b"],
    "/!$&'()*+,=:@": ["/!$&'()*+,=:@", "/%21%24%26%27%28%29%2A%2B%2C%3D%3A%40"],
    "/%22%3C%7B": ['/"<{', "/%22%3c%7b"],
    "/.a/..b/c./...": ["/.a/..b/c./..."],
    "/.well-known/x": ["/.well-known/x"],
    "*": ["*"],
  };
  for (const [form, paths] of Object.entries(forms)) {
    for (const path of paths) assert.equal(read(path), form, path);
  }
});

Deno.test("what readers take for different paths is refused, and allowed by name", () => {
  const refused: [path: string, problem: RegExp, setting: keyof typeof NONE | "", form: string][] =
    [
      ["/admin%2f", /^%2F in the path$/, "allowsEncodedSlash", "/admin/"],
      ["/x%2F..%2fadmin", /^%2F/, "allowsEncodedSlash", "/admin"],
      ["/x;%2Fadmin", /^%2F/, "allowsEncodedSlash", "/x/admin"],
      ["/x\\..\\admin", /^a backslash/, "allowsBackslash", "/admin"],
      ["/x%5c..%5Cadmin", /^a backslash/, "allowsBackslash", "/admin"],
      ["/admin%00.png", /^%00/, "allowsEncodedNull", "/admin"],
      ["/%", /percent sign/, "", ""],
      ["/%6", /percent sign/, "", ""],
      ["/%zz", /percent sign/, "", ""],
      ["/%u0061dmin", /percent sign/, "", ""],
      ["/%c0%afadmin", /encoding that is too long/, "", ""],
      ["/%c0%ae%c0%ae/admin", /encoding that is too long/, "", ""],
      ["/%e0%80%af", /encoding that is too long/, "", ""],
      ["/%f0%80%80%af", /encoding that is too long/, "", ""],
    ];
  for (const [path, problem, setting, form] of refused) {
    assert.match(read(path), problem, path);
    if (setting === "") assert.match(read(path, ALL_SPELLINGS), problem, path);
    else assert.equal(read(path, { ...NONE, [setting]: true }), form, path);
  }
});

Deno.test("the query is no part of it, and an empty path is the root", () => {
  assert.equal(read("/a?/../b%zz\\"), "/a");
  assert.equal(read("?x"), "/");
  assert.equal(read(""), "/");
});

const segment = fc.stringMatching(/^[a-z0-9._~-]{1,6}$/).filter((name) => !/^\.{1,2}$/.test(name));
const plainPath = fc.tuple(fc.array(segment, { maxLength: 5 }), fc.boolean()).map(
  ([segments, isFolder]) => `/${segments.join("/")}${isFolder && segments.length > 0 ? "/" : ""}`,
);

/** Another spelling of a path, by random choices of what a lenient reader undoes. */
const respelled = fc.tuple(plainPath, fc.infiniteStream(fc.nat(11))).map(([path, choices]) => {
  const choose = () => choices.next().value!;
  const spelled = [...path].map((c) => {
    switch (choose()) {
      case 0:
        return `%${c.charCodeAt(0).toString(16)}`.replace("%2f", "/");
      case 1:
        return `%${c.charCodeAt(0).toString(16).toUpperCase()}`.replace("%2F", "/");
      case 2:
        return c === "/" ? "//" : c;
      case 3:
        return c === "/" ? "/./" : c;
      case 4:
        return c === "/" ? "/x/../" : c;
      case 5:
        return c === "/" ? "/%2e/" : c;
      case 6:
        return c === "/" ? "/x/%2E./" : c;
      case 7:
        return c === "/" ? "/y;v/..;w/" : c;
      default:
        return c;
    }
  }).join("");
  return {
    path,
    spelled: choose() === 0 ? spelled.replace(/(?<=[a-z0-9])(?=\/|$)/, ";p=1") : spelled,
  };
});

Deno.test("equivalent spellings have the form of the plain one, which is its own", () => {
  fc.assert(
    fc.property(respelled, ({ path, spelled }) => {
      assert.equal(read(path), path);
      assert.equal(read(spelled), path, spelled);
    }),
    { numRuns: 5000, seed: 13 },
  );
});

Deno.test("a form of any path is normal: reading it again changes nothing, and it has no dot segments", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "/",
      "//",
      ".",
      "..",
      "%2e",
      "%2f",
      "%5c",
      "\\",
      ";",
      "%00",
      "%25",
      "%",
      "a",
      "B",
    ),
    fc.integer({ min: 33, max: 126 }).map((c) => String.fromCharCode(c)),
    fc.nat(255).map((c) => `%${c.toString(16).padStart(2, "0")}`),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const target = `/${pieces.join("")}`;
      const form = read(target, ALL_SPELLINGS);
      if (!form.startsWith("/")) return; // refused
      assert.equal(read(form, NONE), form, target);
      assert.doesNotMatch(form, /\/\/|\/\.{1,2}(\/|$)|[\\;?#]/, target);
    }),
    { numRuns: 20_000, seed: 13 },
  );
});

Deno.test("what follows a prefix stays as it came, unless the path goes to and fro", () => {
  const cases: [path: string, prefix: string, rest: string][] = [
    ["/api/x", "/api", "/x"],
    ["/api", "/api", ""],
    ["/api/", "/api/", "/"],
    ["/api/x//y/%41;v=1", "/api", "/x//y/%41;v=1"],
    ["/%61pi;v=1/x", "/api", "/x"],
    ["/api/g%2Fp", "/api", "/g%2Fp"],
    ["/x/../api/y", "/api", "/y"],
    ["//api/y", "/api", "/y"],
    ["/api/../api/y;v=1/z", "/api", "/y;v=1/z"],
    ["/api/x/../../api/y", "/api", "/y"],
    ["/api//evil.example/x", "/api", "/evil.example/x"],
    ["/anything", "/", "/anything"],
  ];
  for (const [path, prefix, rest] of cases) assert.equal(pathAfter(path, prefix), rest, path);
});

/** The normal form, or why there is none. */
function read(target: string, allowed = NONE): string {
  const path = new NormalPath(), bytes = ascii(`xx${target}yy`);
  if (!path.read(bytes, 2, 2 + target.length, allowed)) return path.problem;
  const form = textOf(path.bytes, path.start, path.end);
  if (target.startsWith("/") && !target.includes("?") && path.isUnchanged) {
    assert.equal(form, target);
  }
  if (target.startsWith("/")) assert.equal(normalPathOf(target.split("?")[0]!), form);
  return form;
}
