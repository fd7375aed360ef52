import assert from "node:assert/strict";
import { rewrittenLink, rewrittenPage } from "./links.ts";

const context = {
  prefix: "/api/v1/namespaces/n/pods/web/proxy",
  hosts: ["10.0.0.1:80", "api:6443"],
};

Deno.test("links to the backend lead through the proxy, others stay", () => {
  const table: [string, string][] = [
    ["/a/b", "/api/v1/namespaces/n/pods/web/proxy/a/b"],
    ["/a/", "/api/v1/namespaces/n/pods/web/proxy/a/"],
    ["/a?x=1#y", "/api/v1/namespaces/n/pods/web/proxy/a?x=1#y"],
    ["/../../a", "/api/v1/namespaces/n/pods/a"],
    ["http://10.0.0.1:80/a", "/api/v1/namespaces/n/pods/web/proxy/a"],
    ["https://api:6443/a", "/api/v1/namespaces/n/pods/web/proxy/a"],
    ["/api/v1/namespaces/n/pods/web/proxy/a", "/api/v1/namespaces/n/pods/web/proxy/a"],
    ["http://elsewhere/a", "http://elsewhere/a"],
    ["//elsewhere/a", "//elsewhere/a"],
    ["a/b", "a/b"],
    ["", ""],
    ["#x", "#x"],
    ["mailto:a@b", "mailto:a@b"],
  ];
  for (const [link, wanted] of table) assert.equal(rewrittenLink(link, context), wanted);
});

Deno.test("a page keeps all but its links", () => {
  const p = context.prefix;
  const table: [string, string][] = [
    ['<a href="/x">t</a>', `<a href="${p}/x">t</a>`],
    ["<A  HREF='/x' id=1>", `<A  HREF='${p}/x' id=1>`],
    ["<img src=/x alt=y/>", `<img src=${p}/x alt=y/>`],
    ['<a href="/x?a=1&amp;b=2">', `<a href="${p}/x?a=1&amp;b=2">`],
    ['<!-- <a href="/x"> --><b title="/x">', '<!-- <a href="/x"> --><b title="/x">'],
    [
      '<script src="/s">var a = "<a href=\\"/x\\">";</SCRIPT><a href=/y>',
      `<script src="${p}/s">var a = "<a href=\\"/x\\">";</SCRIPT><a href=${p}/y>`,
    ],
    ["1 < 2 && <3", "1 < 2 && <3"],
    ['<a href="/never', '<a href="/never'],
    ["<", "<"],
  ];
  for (const [page, wanted] of table) assert.equal(rewrittenPage(page, context), wanted);
});

Deno.test("pages that are made to be slow are not", () => {
  const before = performance.now();
  for (const piece of ["<a ", "<!--", "<script>", '<a href="', "<a =", "</script", "<a href=/x "]) {
    rewrittenPage(piece.repeat(10_000), context);
  }
  assert.ok(performance.now() - before < 2_000);
});
