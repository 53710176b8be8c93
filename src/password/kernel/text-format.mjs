/** The few forms of WebAssembly's text format that the generator writes, as functions from text to text. */

/** @typedef {string} Expression one folded instruction, such as `(local.get $a)` */

/** @param {string} name @returns {Expression} */
export const get = (name) => `(local.get $${name})`;

/** @param {string} name @param {Expression} value */
export const set = (name, value) => `(local.set $${name} ${value})`;

/** @param {number} value @returns {Expression} */
export const i32 = (value) => `(i32.const ${value})`;

/** @param {Expression} x @param {Expression} y @returns {Expression} */
export const plus = (x, y) => `(i32.add ${x} ${y})`;

/** @param {Expression} x @param {Expression} y @returns {Expression} */
export const add64x2 = (x, y) => `(i64x2.add ${x} ${y})`;

/** @typedef {"v128" | "i64"} Type */

/** @param {Type} type @param {Expression} x @param {Expression} y @returns {Expression} */
export const xor = (type, x, y) => `(${type}.xor ${x} ${y})`;

/** @param {Type} type @param {Expression} address @param {number} offset @returns {Expression} */
export const load = (type, address, offset) => `(${type}.load offset=${offset} ${address})`;

/** @param {Type} type @param {Expression} address @param {number} offset @param {Expression} value */
export const store = (type, address, offset, value) => `(${type}.store offset=${offset} ${address} ${value})`;

/**
 * Picks four 32-bit lanes: 0 to 3 from `x`, 4 to 7 from `y`.
 * @param {readonly number[]} lanes @param {Expression} x @param {Expression} y @returns {Expression}
 */
export const shuffle32 = (lanes, x, y) =>
  shuffle(
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
    x,
    y,
  );

/**
 * The upper half of `x`, then the lower half of `y`.
 * @param {Expression} x @param {Expression} y @returns {Expression}
 */
export const upperThenLower = (x, y) =>
  shuffle(
    [...Array(16).keys()].map((byte) => byte + 8),
    x,
    y,
  );

/** @param {readonly number[]} bytes @param {Expression} x @param {Expression} y @returns {Expression} */
const shuffle = (bytes, x, y) => `(i8x16.shuffle ${bytes.join(" ")} ${x} ${y})`;

/** @param {string} name @param {string} type */
export const local = (name, type) => `(local $${name} ${type})`;

/** @param {string} name @param {string} type */
export const param = (name, type) => `(param $${name} ${type})`;

/**
 * Two sequences of instructions that have nothing to do with each other, in one, evenly mixed.
 * @param {readonly string[]} longer @param {readonly string[]} shorter
 */
export const mix = (longer, shorter) =>
  longer.flatMap((instruction, index) => {
    const [from, to] = [index, index + 1].map((at) => Math.floor((at * shorter.length) / longer.length));
    return [instruction, ...shorter.slice(from, to)];
  });
