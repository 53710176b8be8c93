/**
 * Argon2's permutation P (RFC 9106 section 3.6): BLAKE2b's round on sixteen 64-bit words, with a + b + 2 * lo(a) * lo(b) where
 * BLAKE2b adds. Words v0 to v15 sit two to a vector: a0 = v0 v1, a1 = v2 v3, b0 = v4 v5, and so on to d1 = v14 v15.
 *
 * Every call permutes two rows or columns. How, differs by engine (README.md has the figures):
 * - `v8`: both P interleaved, half a quarter at a time, since one alone waits for its own results; and the 32-bit halves to
 *   multiply picked from two vectors in one shuffle.
 * - `jsc`, the engine of Bun: one P after the other, since it keeps too few vectors in registers for two; and the halves picked
 *   from each vector alone, since it makes three operations of a shuffle of two.
 */
import { add64x2, get, local, set, shuffle32, upperThenLower, xor } from "./text-format.mjs";

/** @typedef {"v8" | "jsc"} Engine */

const VECTORS = ["a0", "a1", "b0", "b1", "c0", "c1", "d0", "d1"];
const TEMPORARIES = /** @type {const} */ (["t", "u", "m", "n"]);
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
 * @param {Engine} engine
 */
export const permuteTwo = (engine) =>
  engine === "v8" ? permute(engine, LANES) : LANES.flatMap((lane) => permute(engine, [lane]));

/** @param {Engine} engine @param {ReadonlyArray<0 | 1>} lanes those to interleave */
const permute = (engine, lanes) => [
  ...round(engine, lanes),
  ...lanes.flatMap(diagonalise),
  ...round(engine, lanes),
  ...lanes.flatMap(undiagonalise),
];

/** G on all four columns, or diagonals. @param {Engine} engine @param {ReadonlyArray<0 | 1>} lanes */
const round = (engine, lanes) => [
  ...lanes.flatMap((lane) => multiplyAdd(engine, lane, "a", "b")),
  ...lanes.flatMap((lane) => xorRotate32(lane, "d", "a")),
  ...lanes.flatMap((lane) => multiplyAdd(engine, lane, "c", "d")),
  ...lanes.flatMap((lane) => xorRotate(lane, "b", "c", 24)),
  ...lanes.flatMap((lane) => multiplyAdd(engine, lane, "a", "b")),
  ...lanes.flatMap((lane) => xorRotate(lane, "d", "a", 16)),
  ...lanes.flatMap((lane) => multiplyAdd(engine, lane, "c", "d")),
  ...lanes.flatMap((lane) => xorRotate63(lane, "b", "c")),
];

/** x += y + 2 * lo(x) * lo(y). @param {Engine} engine @param {0 | 1} lane @param {string} x @param {string} y */
const multiplyAdd = (engine, lane, x, y) =>
  engine === "v8"
    ? [...pairedProducts(lane, x, y), ...addProducts(lane, x, y)]
    : zip(x, y, lane).flatMap(([name, other]) => {
        const product = `m_${lane}`;
        return [
          set(product, `(i64x2.extmul_low_i32x4_u ${lowHalves(name)} ${lowHalves(other)})`),
          addProduct(name, other, product),
        ];
      });

/** The low halves of two words, from a shuffle that names one vector only: JSC does not notice when both are the same. @param {string} name */
const lowHalves = (name) => shuffle32([0, 2, 0, 2], get(name), get(name));

/** Sets m and n to the products, 64 bits wide, of the low halves of x and y. @param {0 | 1} lane @param {string} x @param {string} y */
function pairedProducts(lane, x, y) {
  const [t, u] = [`t_${lane}`, `u_${lane}`];
  return [
    set(t, lowHalvesOfBoth(pair(x, lane))),
    set(u, lowHalvesOfBoth(pair(y, lane))),
    set(`m_${lane}`, `(i64x2.extmul_low_i32x4_u ${get(t)} ${get(u)})`),
    set(`n_${lane}`, `(i64x2.extmul_high_i32x4_u ${get(t)} ${get(u)})`),
  ];
}

/** x += y + 2 * products. @param {0 | 1} lane @param {string} x @param {string} y */
const addProducts = (lane, x, y) =>
  zip(x, y, lane).map(([name, other], index) => addProduct(name, other, `${index === 0 ? "m" : "n"}_${lane}`));

/** @param {string} name @param {string} other @param {string} product */
const addProduct = (name, other, product) =>
  set(name, add64x2(add64x2(get(name), get(other)), add64x2(get(product), get(product))));

/** The low halves of four words. @param {[string, string]} vectors */
const lowHalvesOfBoth = ([first, second]) => shuffle32([0, 2, 4, 6], get(first), get(second));

/** x = (x ^ y) >>> 32. @param {0 | 1} lane @param {string} x @param {string} y */
const xorRotate32 = (lane, x, y) =>
  zip(x, y, lane).flatMap(([name, other]) => [
    set(name, xor("v128", get(name), get(other))),
    set(name, shuffle32([1, 0, 3, 2], get(name), get(name))),
  ]);

/** x = (x ^ y) >>> bits. @param {0 | 1} lane @param {string} x @param {string} y @param {16 | 24} bits */
const xorRotate = (lane, x, y, bits) =>
  zip(x, y, lane).map(([name, other]) =>
    set(name, `(i8x16.swizzle ${xor("v128", get(name), get(other))} ${get(`rotate${bits}`)})`),
  );

/** x = (x ^ y) >>> 63, which is a rotation to the left by one. @param {0 | 1} lane @param {string} x @param {string} y */
const xorRotate63 = (lane, x, y) =>
  zip(x, y, lane).flatMap(([name, other]) => {
    const t = `t_${lane}`;
    return [
      set(t, xor("v128", get(name), get(other))),
      set(name, `(v128.or ${add64x2(get(t), get(t))} (i64x2.shr_u ${get(t)} (i32.const 63)))`),
    ];
  });

/** Turns rows b, c and d of the 4 x 4 words by one, two and three places, so that the diagonals stand in columns. @param {0 | 1} lane */
const diagonalise = (lane) => [...turnLeft("b", lane), ...turnTwo("c", lane), ...turnRight("d", lane)];

/** @param {0 | 1} lane */
const undiagonalise = (lane) => [...turnRight("b", lane), ...turnTwo("c", lane), ...turnLeft("d", lane)];

/** @param {string} row @param {0 | 1} lane */
function turnLeft(row, lane) {
  const [x0, x1] = pair(row, lane);
  return replaceBoth(lane, row, upperThenLower(get(x0), get(x1)), upperThenLower(get(x1), get(x0)));
}

/** @param {string} row @param {0 | 1} lane */
function turnRight(row, lane) {
  const [x0, x1] = pair(row, lane);
  return replaceBoth(lane, row, upperThenLower(get(x1), get(x0)), upperThenLower(get(x0), get(x1)));
}

/** @param {string} row @param {0 | 1} lane */
function turnTwo(row, lane) {
  const [x0, x1] = pair(row, lane);
  return replaceBoth(lane, row, get(x1), get(x0));
}

/** @param {0 | 1} lane @param {string} row @param {string} first @param {string} second */
function replaceBoth(lane, row, first, second) {
  const [x0, x1] = pair(row, lane);
  const t = `t_${lane}`;
  return [set(t, first), set(x1, second), set(x0, get(t))];
}

/** @param {string} row @param {0 | 1} lane @returns {[string, string]} */
const pair = (row, lane) => [`${row}0_${lane}`, `${row}1_${lane}`];

/** @param {string} x @param {string} y @param {0 | 1} lane @returns {Array<[string, string]>} */
const zip = (x, y, lane) => [0, 1].map((index) => [`${x}${index}_${lane}`, `${y}${index}_${lane}`]);
