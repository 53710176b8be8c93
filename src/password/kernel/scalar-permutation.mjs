/** Argon2's permutation P on sixteen 64-bit words, each in a local of its own: for the ports that vector code leaves idle. */
import { get, local, set } from "./text-format.mjs";

const name = (/** @type {number} */ word) => `word${word}`;

/** The names of the sixteen words, in order. */
export const words = Array.from({ length: 16 }, (_, word) => name(word));

export const scalarLocals = () => words.map((word) => local(word, "i64"));

// G works on the columns of the 4 x 4 words, then on the diagonals (RFC 9106 section 3.6).
const COLUMNS = [0, 1, 2, 3].map((column) => [column, column + 4, column + 8, column + 12]);
const DIAGONALS = [
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

/** P, in place; a quarter of G at a time on all four columns or diagonals, which do not wait for each other. */
export const permuteWords = () =>
  [COLUMNS, DIAGONALS].flatMap((groups) => [
    ...groups.flatMap(([a = 0, b = 0, , d = 0]) => quarter(a, b, d, 32)),
    ...groups.flatMap(([, b = 0, c = 0, d = 0]) => quarter(c, d, b, 24)),
    ...groups.flatMap(([a = 0, b = 0, , d = 0]) => quarter(a, b, d, 16)),
    ...groups.flatMap(([, b = 0, c = 0, d = 0]) => quarter(c, d, b, 63)),
  ]);

/** x += y + 2 * lo(x) * lo(y), z = (z ^ x) >>> bits. @param {number} x @param {number} y @param {number} z @param {number} bits */
function quarter(x, y, z, bits) {
  const [a, b, d] = [get(name(x)), get(name(y)), get(name(z))];
  const product = `(i64.mul ${low(a)} ${low(b)})`;
  return [
    set(name(x), `(i64.add (i64.add ${a} ${b}) (i64.shl ${product} (i64.const 1)))`),
    set(name(z), `(i64.rotr (i64.xor ${d} ${a}) (i64.const ${bits}))`),
  ];
}

const low = (/** @type {string} */ value) => `(i64.extend_i32_u (i32.wrap_i64 ${value}))`;
