import assert from "node:assert/strict";
import { evaluated, refusal } from "../cel_fixture.ts";

/** Expressions that are true. */
const TRUE: readonly string[] = [
  // numbers
  "1 + 2 * 3 == 7 && 7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1 && 7u - 2u == 5u",
  "dyn(1) == 1.0 && dyn(1u) == 1 && 1 < 1.5 && 2u > 1.5 && dyn(1) in [1.0, 2.0]",
  "0x10 == 16 && 1e3 == 1000.0 && -9223372036854775808 < 0",
  "int('5') == 5 && int(5.9) == 5 && uint('5') == 5u && double('1.5') == 1.5 && string(1.0) == '1'",
  "bool('true') && string(true) == 'true' && string(b'abc') == 'abc' && bytes('a') == b'a'",
  "type(1) == int && type('') == string && type([]) == list && type(null) == null_type",
  // strings
  "'héllo'.size() == 5 && 'abc'.contains('b') && 'abc'.startsWith('ab') && 'abc'.endsWith('bc')",
  "'hello'.charAt(1) == 'e' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
  "'hello'.indexOf('l', 3) == 3 && 'hello'.indexOf('x') == -1 && 'héllo'.indexOf('l') == 2",
  "'a-b-c'.replace('-', '') == 'abc' && 'a-b-c'.replace('-', '', 1) == 'ab-c' && 'ab'.replace('', '-') == '-a-b-'",
  "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'abc'.split('') == ['a', 'b', 'c']",
  "'hello'.substring(1) == 'ello' && 'hello'.substring(1, 3) == 'el' && ' a '.trim() == 'a'",
  "'ABCé'.lowerAscii() == 'abcé' && 'abcé'.upperAscii() == 'ABCé' && ['a', 'b'].join('-') == 'a-b'",
  "'%s is %d, %.2f, %x, %b, %o, %e'.format(['a', 5, 1234.5, 255, 5, 8, 0.00314]) == 'a is 5, 1,234.50, ff, 101, 10, 3.140000×10⁻⁰³'",
  "'%s'.format([[dyn(1), 'a', null, {'b': 1.5}]]) == '[1, \"a\", null, {\"b\":1.500000}]' && '%%'.format([]) == '%'",
  "'%d %s %f %s %s'.format([1, 'abc', 1.0, duration('1m'), timestamp('2000-01-01T00:00:00.000Z')]) == '1 abc 1.000000 60s 2000-01-01T00:00:00Z'",
  "strings.quote('a\"b\\n') == '\"a\\\\\"b\\\\n\"'",
  "'\\u00e9' == 'é' && r'\\d' == '\\\\d' && '''a'b''' == \"a'b\" && b'\\xff'.size() == 1",
  // patterns
  "'abc123'.matches('^[a-z]+[0-9]+$') && !'abc'.matches('^b') && matches('x', '(?i)X')",
  "'abc 123 456'.find('[0-9]+') == '123' && 'abc 123 456'.findAll('[0-9]+') == ['123', '456']",
  "'a1b2'.findAll('[0-9]', 1) == ['1'] && 'x'.find('y') == ''",
  // lists and maps
  "[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2] && [1, 2][1] == 2 && size([1, 2]) == 2 && 'a' in {'a': 1}",
  "{'a': 1}.a == 1 && {'a': 1}['a'] == 1 && {1: 'x'}[1] == 'x' && {'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
  "[1, 2, 3].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x == 2) && [1, 2].existsOne(x, x == 1)",
  "[1, 2, 3].map(x, x * 2) == [2, 4, 6] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6] && [1, 2, 3].filter(x, x > 1) == [2, 3]",
  "[1, 2].all(i, v, v == i + 1) && {'a': 1}.exists(k, v, k == 'a' && v == 1) && [3, 4].transformList(i, v, i + v) == [3, 5]",
  "{'a': 1, 'b': 2}.transformMap(k, v, v * 2) == {'a': 2, 'b': 4} && {'a': 1}.transformMapEntry(k, v, {v: k}) == {1: 'a'}",
  "[1, 2, 3].isSorted() && [1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [1, 3].max() == 3 && [1, 2, 1].lastIndexOf(1) == 2",
  "[3, 1, 2].sort() == [1, 2, 3] && [1, 1, 2].distinct() == [1, 2] && [1, 2, 3].reverse() == [3, 2, 1] && lists.range(3) == [0, 1, 2]",
  "[[1], [2, 3]].flatten() == [1, 2, 3] && [1, 2, 3].slice(1, 3) == [2, 3] && ['bb', 'a'].sortBy(s, size(s)) == ['a', 'bb']",
  "sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])",
  // optionals
  "optional.of(1).hasValue() && !optional.none().hasValue() && optional.of(1).value() == 1 && optional.none().orValue(2) == 2",
  "{'a': {'b': 1}}.?a.b.orValue(0) == 1 && !{}.?a.b.hasValue() && [1][?5].orValue(9) == 9 && [?optional.none(), 1] == [1]",
  "optional.of(2).optMap(x, x * 2).value() == 4 && optional.of(2).optFlatMap(x, optional.of(x)).hasValue()",
  "{?'a': optional.none(), 'b': 1} == {'b': 1} && !optional.ofNonZeroValue('').hasValue() && optional.of(1) == optional.of(1)",
  "optional.none().or(optional.of(3)).value() == 3 && [1, 2].first().value() == 1 && [1, 2].last().value() == 2",
  // times
  "duration('1h30m') == duration('90m') && duration('1h').getMinutes() == 60 && string(duration('1.5s')) == '1.5s'",
  "timestamp('2026-01-02T03:04:05Z').getFullYear() == 2026 && timestamp('2026-01-02T03:04:05Z').getHours('+02:00') == 5",
  "timestamp('2026-03-01T00:00:00Z') - timestamp('2026-02-28T00:00:00Z') == duration('24h') && timestamp('2026-01-02T00:00:00Z').getDayOfWeek() == 5",
  "timestamp('2026-01-01T00:00:00Z').getDayOfYear() == 0 && timestamp('2026-07-01T12:00:00Z').getHours('Europe/Berlin') == 14",
  "string(timestamp('2026-01-02T03:04:05.5Z')) == '2026-01-02T03:04:05.5Z' && int(timestamp('1970-01-01T00:01:00Z')) == 60",
  // Kubernetes' own types
  "isURL('https://a.b:80/c?d=e') && !isURL('a') && url('https://a.b:80/c?d=e').getHost() == 'a.b:80'",
  "url('https://u@[::1]:80/c d?d=e&d=f').getHostname() == '::1' && url('/x').getScheme() == '' && url('https://a/c?d=e&d=f').getQuery() == {'d': ['e', 'f']}",
  "isIP('10.0.0.1') && isIP('::1') && !isIP('010.0.0.1') && !isIP('::ffff:1.2.3.4') && ip('::1').family() == 6 && ip('127.0.0.1').isLoopback()",
  "string(ip('2001:db8:0:0::1')) == '2001:db8::1' && ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')",
  "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
  "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1.5').add(1).compareTo(quantity('2500m')) == 0 && quantity('1k').asInteger() == 1000 && isQuantity('1Mi') && !isQuantity('x')",
  "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('v1.2', true).patch() == 0 && !isSemver('v1.2') && semver('1.0.0-a').compareTo(semver('1.0.0')) == -1",
  "!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue() && format.named('dns1123Label').hasValue() && !format.named('x').hasValue()",
  // logic that passes over errors
  "true || 1 / 0 == 1",
  "1 / 0 == 1 || true",
  "!(false && 1 / 0 == 1)",
  "[1, 0].exists(x, 4 / x == 4)",
];

for (const text of TRUE) {
  Deno.test(`is true: ${text}`, () => {
    assert.deepEqual(evaluated(text), { ...evaluated(text), value: true });
  });
}

/** Expressions that fail when they are evaluated, and how; with `x` unknown to the checker. */
const FAILING: readonly (readonly [text: string, error: string])[] = [
  ["9223372036854775807 + x.one == 0", "integer overflow"],
  ["1 / (x.one - 1) == 0", "division by zero"],
  ["x.nope == 1", "no such key: nope"],
  ["x.list[5] == 1", "index out of bounds: 5"],
  ["x.one > x.text", "no such overload: _>_(int, string)"],
  ["x.text.charAt(9) == ''", "index out of range: 9"],
  ["optional.none().value() == x", "optional.none() dereference"],
  ["{x.a: 1, x.a: 2} == {}", "Failed with repeated key: a"],
  [
    "timestamp('9999-12-31T23:59:59Z') + duration('1s') == timestamp('9999-12-31T23:59:59Z')",
    "timestamp overflow",
  ],
  ["x.text.matches(x.open)", "error parsing regexp: missing closing ): `(`"],
];

for (const [text, error] of FAILING) {
  Deno.test(`fails: ${text}`, () => {
    const x = { one: 1, text: "t", list: [1], a: "a", open: "(" };
    const outcome = evaluated(text, { x });
    assert.equal("error" in outcome && outcome.error, error);
  });
}

/** Expressions that are refused when they are compiled, by the first line of why. */
const REFUSED: readonly (readonly [text: string, first: string])[] = [
  [
    "1 == '1'",
    "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'",
  ],
  ["foo(1)", "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')"],
  ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'"],
  ["'a'.b", "ERROR: <input>:1:4: type 'string' does not support field selection"],
  [
    "1.all(x, true)",
    "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
  ],
  ["has(1)", "ERROR: <input>:1:5: invalid argument to has() macro"],
  ["[1].all(1, true)", "ERROR: <input>:1:9: argument must be a simple name"],
  ["if", "ERROR: <input>:1:1: reserved identifier: if"],
  [
    "1 +",
    "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
  ],
  ["duration('x')", "ERROR: <input>:1:10: invalid duration argument"],
  ["9223372036854775808", "ERROR: <input>:1:1: invalid int literal"],
  ["'a' && true", "ERROR: <input>:1:1: expected type 'bool' but found 'string'"],
];

for (const [text, first] of REFUSED) {
  Deno.test(`is refused: ${text}`, () => {
    assert.equal(refusal(text).split("\n")[0], first);
  });
}

/** Costs as Kubernetes counts them, of what no project has a rule with. */
const COSTS: readonly (readonly [text: string, cost: number])[] = [
  ["[4, 3, 2, 1].sort() == [1, 2, 3, 4]", 44],
  ["['d', 'a', 'b', 'c'].sort() == ['a', 'b', 'c', 'd']", 45],
  ["[-2, 5, -2, 1, 1, 5, -2, 1].distinct() == [-2, 5, 1]", 140],
  ["lists.range(3).sortBy(e, -e) == [2, 1, 0]", 89],
  ["[1, 2, 3, 4].slice(1, 3) == [2, 3]", 14],
  ["optional.none().or(optional.of('a')).hasValue()", 3],
];

for (const [text, cost] of COSTS) {
  Deno.test(`costs ${cost}: ${text}`, () => {
    assert.deepEqual(evaluated(text), { value: true, cost });
  });
}
