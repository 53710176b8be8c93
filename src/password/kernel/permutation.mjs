/**
 * Argon2's permutation P (RFC 9106 section 3.6): BLAKE2b's round on sixteen 64-bit words, with a + b + 2 * lo(a) * lo(b) where
 * BLAKE2b adds. Words v0 to v15 sit two to a vector: a0 = v0 v1, a1 = v2 v3, b0 = v4 v5, and so on to d1 = v14 v15.
 *
 * Two P run interleaved, a quarter of a round at a time: one alone waits for its own results.
 */
import { add64x2, get, local, set, shuffle32, upperThenLower, xor } from "./text-format.mjs";

/** @typedef {"paired" | "plain"} Multiply */

const VECTORS = ["a0", "a1", "b0", "b1", "c0", "c1", "d0", "d1"];
const TEMPORARIES = ["t", "u", "m", "n"];
const LANES = /** @type {const} */ ([0, 1]);

// A rotation by whole bytes is one byte shuffle; with its mask in a local, engines keep that in a register.
const ROTATIONS = {
  16: "2 3 4 5 6 7 0 1 10 11 12 13 14 15 8 9",
  24: "3 4 5 6 7 0 1 2 11 12 13 14 15 8 9 10",
};

/** The names of the eight vectors of the first or the second P, in the order of their words. */
export const vectorsOf = (/** @type {0 | 1} */ lane) => VECTORS.map((name) => `${name}_${lane}`);

/** What a function that runs `permuteTwo` declares, and sets before it does. */
export const permutationLocals = () => [
  ...LANES.flatMap((lane) => [...VECTORS, ...TEMPORARIES].map((name) => local(`${name}_${lane}`, "v128"))),
  ...Object.keys(ROTATIONS).map((bits) => local(`rotate${bits}`, "v128")),
  ...Object.entries(ROTATIONS).map(([bits, mask]) => set(`rotate${bits}`, `(v128.const i8x16 ${mask})`)),
];

/**
 * Both P, in place, on the locals that `vectorsOf` names.
 * @param {Multiply} multiply
 */
export const permuteTwo = (multiply) => [
  ...round(multiply),
  ...LANES.flatMap(diagonalise),
  ...round(multiply),
  ...LANES.flatMap(undiagonalise),
];

/** G on all four columns (or diagonals) of both P. @param {Multiply} multiply */
const round = (multiply) => [
  ...LANES.flatMap((lane) => multiplyAdd(multiply, lane, "a", "b")),
  ...LANES.flatMap((lane) => xorOnly(lane, "d", "a")),
  ...LANES.flatMap((lane) => rotate32ThenMultiplyAdd(multiply, lane, "c", "d")),
  ...LANES.flatMap((lane) => xorRotate(lane, "b", "c", 24)),
  ...LANES.flatMap((lane) => multiplyAdd(multiply, lane, "a", "b")),
  ...LANES.flatMap((lane) => xorRotate(lane, "d", "a", 16)),
  ...LANES.flatMap((lane) => multiplyAdd(multiply, lane, "c", "d")),
  ...LANES.flatMap((lane) => xorRotate63(lane, "b", "c")),
];

/** x += y + 2 * lo(x) * lo(y). @param {Multiply} multiply @param {0 | 1} lane @param {string} x @param {string} y */
function multiplyAdd(multiply, lane, x, y) {
  const lowHalves = /** @type {const} */ ([0, 2]);
  return [...product(multiply, lane, pair(x, lane), lowHalves, pair(y, lane), lowHalves), ...sum(lane, x, y)];
}

/**
 * y = y >>> 32, x += y + 2 * lo(x) * lo(y). The low halves of the rotated words are the high halves from before, so the product
 * need not wait for the rotation.
 * @param {Multiply} multiply @param {0 | 1} lane @param {string} x @param {string} y
 */
function rotate32ThenMultiplyAdd(multiply, lane, x, y) {
  return [
    ...product(multiply, lane, pair(x, lane), [0, 2], pair(y, lane), [1, 3]),
    ...pair(y, lane).map((name) => set(name, shuffle32([1, 0, 3, 2], get(name), get(name)))),
    ...sum(lane, x, y),
  ];
}

/**
 * Sets m and n to the products of two pairs of vectors, of the 32-bit halves that `xHalves` and `yHalves` pick. "Paired" picks
 * them from both vectors of a pair in one shuffle, which is one operation less; the engine of Bun is faster with "plain".
 * @param {Multiply} multiply @param {0 | 1} lane
 * @param {readonly string[]} xs @param {readonly [number, number]} xHalves
 * @param {readonly string[]} ys @param {readonly [number, number]} yHalves
 */
function product(multiply, lane, [x0 = "", x1 = ""], xHalves, [y0 = "", y1 = ""], yHalves) {
  const [t, u, m, n] = [`t_${lane}`, `u_${lane}`, `m_${lane}`, `n_${lane}`];
  const halves = (/** @type {string} */ first, /** @type {string} */ second, /** @type {readonly number[]} */ of) =>
    shuffle32([...of, ...of.map((half) => half + 4)], get(first), get(second));
  if (multiply === "paired") {
    return [
      set(t, halves(x0, x1, xHalves)),
      set(u, halves(y0, y1, yHalves)),
      set(m, `(i64x2.extmul_low_i32x4_u ${get(t)} ${get(u)})`),
      set(n, `(i64x2.extmul_high_i32x4_u ${get(t)} ${get(u)})`),
    ];
  }
  return [
    set(m, `(i64x2.extmul_low_i32x4_u ${halves(x0, x0, xHalves)} ${halves(y0, y0, yHalves)})`),
    set(n, `(i64x2.extmul_low_i32x4_u ${halves(x1, x1, xHalves)} ${halves(y1, y1, yHalves)})`),
  ];
}

/** x += y + 2 * product. @param {0 | 1} lane @param {string} x @param {string} y */
function sum(lane, x, y) {
  const products = [`m_${lane}`, `n_${lane}`];
  const ys = pair(y, lane);
  return pair(x, lane).flatMap((name, index) => {
    const [product = "", other = ""] = [products[index], ys[index]];
    return [set(name, add64x2(add64x2(get(name), get(other)), add64x2(get(product), get(product))))];
  });
}

/** x ^= y. @param {0 | 1} lane @param {string} x @param {string} y */
const xorOnly = (lane, x, y) => zip(x, y, lane).map(([name, other]) => set(name, xor(get(name), get(other))));

/** x = (x ^ y) >>> bits. @param {0 | 1} lane @param {string} x @param {string} y @param {16 | 24} bits */
const xorRotate = (lane, x, y, bits) =>
  zip(x, y, lane).map(([name, other]) =>
    set(name, `(i8x16.swizzle ${xor(get(name), get(other))} ${get(`rotate${bits}`)})`),
  );

/** x = (x ^ y) >>> 63, which is a rotation to the left by one. @param {0 | 1} lane @param {string} x @param {string} y */
const xorRotate63 = (lane, x, y) =>
  zip(x, y, lane).flatMap(([name, other]) => {
    const t = `t_${lane}`;
    return [
      set(t, xor(get(name), get(other))),
      set(name, `(v128.or ${add64x2(get(t), get(t))} (i64x2.shr_u ${get(t)} (i32.const 63)))`),
    ];
  });

/** Turns rows b, c and d of the 4 x 4 words by one, two and three places, so that the diagonals stand in columns. @param {0 | 1} lane */
const diagonalise = (lane) => [...turnLeft("b", lane), ...turnTwo("c", lane), ...turnRight("d", lane)];

/** @param {0 | 1} lane */
const undiagonalise = (lane) => [...turnRight("b", lane), ...turnTwo("c", lane), ...turnLeft("d", lane)];

/** @param {string} row @param {0 | 1} lane */
function turnLeft(row, lane) {
  const [x0 = "", x1 = ""] = pair(row, lane);
  return replaceBoth(lane, row, upperThenLower(get(x0), get(x1)), upperThenLower(get(x1), get(x0)));
}

/** @param {string} row @param {0 | 1} lane */
function turnRight(row, lane) {
  const [x0 = "", x1 = ""] = pair(row, lane);
  return replaceBoth(lane, row, upperThenLower(get(x1), get(x0)), upperThenLower(get(x0), get(x1)));
}

/** @param {string} row @param {0 | 1} lane */
function turnTwo(row, lane) {
  const [x0 = "", x1 = ""] = pair(row, lane);
  return replaceBoth(lane, row, get(x1), get(x0));
}

/** @param {0 | 1} lane @param {string} row @param {string} first @param {string} second */
function replaceBoth(lane, row, first, second) {
  const [x0 = "", x1 = ""] = pair(row, lane);
  const t = `t_${lane}`;
  return [set(t, first), set(x1, second), set(x0, get(t))];
}

/** @param {string} row @param {0 | 1} lane */
const pair = (row, lane) => [`${row}0_${lane}`, `${row}1_${lane}`];

/** @param {string} x @param {string} y @param {0 | 1} lane @returns {Array<[string, string]>} */
const zip = (x, y, lane) => pair(x, lane).map((name, index) => [name, pair(y, lane)[index] ?? ""]);
