/**
 * Writes the module that fills Argon2's memory, in WebAssembly's text format. What it does is RFC 9106 section 3.5; why it does it
 * in this order is in README.md.
 */
import { permuteWords, scalarLocals, words } from "./scalar-permutation.mjs";
import { get, i32, load, local, mix, param, plus, set, store, xor } from "./text-format.mjs";
import { permutationLocals, permuteTwo, vectorsOf } from "./vector-permutation.mjs";

/** @typedef {import("./vector-permutation.mjs").Engine} Engine */

const BLOCK_BYTES = 1024;
const VECTOR_BYTES = 16;
const WORD_BYTES = 8;
const ROW_BYTES = 128;
const CACHE_LINE_BYTES = 64;
const LANES = /** @type {const} */ ([0, 1]);

// The scratch page: R = X xor Y, and Z, the block between the two rounds of P.
const R_AT = 0;
const Z_AT = R_AT + BLOCK_BYTES;

/**
 * The eight rows, or columns, by calls. Only two in the first: it decides when the next reference block is known.
 * @typedef {{ readonly count: 2 | 3, readonly first: number }} Group
 */

/** @type {Group} */
const FIRST_GROUP = { count: 2, first: 0 };

/** @type {readonly Group[]} */
const OTHER_GROUPS = [
  { count: 3, first: 2 },
  { count: 3, first: 5 },
];

/** What `segment` sets once for all blocks of a segment. */
const SEGMENT_SETTINGS = ["lane", "lanes", "laneBlocks", "blocksAt", "areaBlocks", "areaStart"];

/** @param {{ engine: Engine }} options */
export function fillModule({ engine }) {
  return [
    "(module",
    '(memory (export "memory") 1)',
    ...SEGMENT_SETTINGS.map((name) => `(global $${name} (mut i32) (i32.const 0))`),
    ...rows(engine, 2),
    ...rows(engine, 3),
    ...columns(engine, 2),
    ...columns(engine, 3),
    ...combine(),
    ...finishFirstColumns(),
    ...reference(),
    ...segment(),
    ...fill({ name: "fill_dependent", pseudoRandom: "(i64.load (local.get $previous))" }),
    ...fill({
      name: "fill_independent",
      pseudoRandom: `(i64.load ${plus(get("addresses"), `(i32.shl ${get("index")} (i32.const 3))`)})`,
    }),
    ...compress(),
    ")",
  ].join("\n");
}

/**
 * What a function permutes: two rows or columns in vectors and, in one of three, another in scalar words, which costs little beside
 * them. A cell is one vector or word, and where it is in a block.
 * @typedef {{ readonly name: string, readonly type: "v128" | "i64", readonly offset: number }} Cell
 */

const ROW_CELLS = {
  vectors: LANES.flatMap((lane) =>
    vectorsOf(lane).map((name, index) => vector(name, lane * ROW_BYTES + index * VECTOR_BYTES)),
  ),
  words: words.map((name, index) => word(name, LANES.length * ROW_BYTES + index * WORD_BYTES)),
};

// A column is two words wide.
const COLUMN_CELLS = {
  vectors: LANES.flatMap((lane) =>
    vectorsOf(lane).map((name, row) => vector(name, row * ROW_BYTES + lane * VECTOR_BYTES)),
  ),
  words: words.map((name, index) =>
    word(name, Math.floor(index / 2) * ROW_BYTES + LANES.length * VECTOR_BYTES + (index % 2) * WORD_BYTES),
  ),
};

/** @param {string} name @param {number} offset @returns {Cell} */
function vector(name, offset) {
  return { name, type: "v128", offset };
}

/** @param {string} name @param {number} offset @returns {Cell} */
function word(name, offset) {
  return { name, type: "i64", offset };
}

/** The cells of two or three, in the order of memory. @param {typeof ROW_CELLS} cells @param {2 | 3} count */
const cellsOf = ({ vectors, words }, count) =>
  [...vectors, ...(count === 3 ? words : [])].sort((left, right) => left.offset - right.offset);

/** @param {Engine} engine @param {2 | 3} count */
const permute = (engine, count) => (count === 3 ? mix(permuteTwo(engine), permuteWords()) : permuteTwo(engine));

const permuteLocals = () => [...scalarLocals(), ...permutationLocals()];

/** P on neighbouring rows of R, from `at` on; the result goes to the same rows of Z. @param {Engine} engine @param {2 | 3} count */
function rows(engine, count) {
  const cells = cellsOf(ROW_CELLS, count);
  return [
    `(func $rows${count} ${param("at", "i32")}`,
    ...permuteLocals(),
    ...cells.map(({ name, type, offset }) => set(name, load(type, get("at"), R_AT + offset))),
    ...permute(engine, count),
    ...cells.map(({ name, type, offset }) => store(type, get("at"), Z_AT + offset, get(name))),
    ")",
  ];
}

/**
 * P on neighbouring columns of Z, from `at` on. The result is final, so it goes straight into the new block (which is
 * Z ^ R ^ what the block held: zeros in the first pass), and, xored with the next reference block, into R.
 * @param {Engine} engine @param {2 | 3} count
 */
function columns(engine, count) {
  const cells = cellsOf(COLUMN_CELLS, count);
  return [
    `(func $columns${count} ${param("at", "i32")} ${param("block", "i32")} ${param("next", "i32")}`,
    ...permuteLocals(),
    ...cells.map(({ name, type, offset }) => set(name, load(type, get("at"), Z_AT + offset))),
    ...permute(engine, count),
    ...cells.flatMap(({ name, type, offset }) => {
      const sum = xor(type, get(name), load(type, get("at"), R_AT + offset));
      return [
        set(name, xor(type, sum, load(type, get("block"), offset))),
        store(type, get("block"), offset, get(name)),
        store(type, get("at"), R_AT + offset, xor(type, get(name), load(type, get("next"), offset))),
      ];
    }),
    ")",
  ];
}

/** R = x ^ y, whole blocks. */
const combine = () => [
  `(func $combine ${param("x", "i32")} ${param("y", "i32")} ${local("at", "i32")}`,
  "(loop $next",
  store(
    "v128",
    get("at"),
    R_AT,
    xor("v128", load("v128", plus(get("x"), get("at")), 0), load("v128", plus(get("y"), get("at")), 0)),
  ),
  set("at", plus(get("at"), i32(VECTOR_BYTES))),
  `(br_if $next (i32.lt_u ${get("at")} ${i32(BLOCK_BYTES)}))))`,
];

/** The first two columns of R, which were made before the next reference block was known. */
const finishFirstColumns = () => [
  `(func $finish_first_columns ${param("block", "i32")} ${param("next", "i32")}`,
  ...vectorsOf(0).flatMap((_, row) =>
    LANES.map((lane) => {
      const offset = row * ROW_BYTES + lane * VECTOR_BYTES;
      return store(
        "v128",
        i32(0),
        R_AT + offset,
        xor("v128", load("v128", get("block"), offset), load("v128", get("next"), offset)),
      );
    }),
  ),
  ")",
];

/** Where the reference block for the block `index` of the segment is: J1 and J2 to a lane and a block (section 3.4.1.1, 3.4.2). */
const reference = () => [
  `(func $reference ${param("random", "i64")} ${param("index", "i32")} (result i32)`,
  `${local("lane", "i32")} ${local("area", "i64")} ${local("x", "i64")} ${local("block", "i32")}`,
  "(local.set $lane (global.get $lane))",
  "(if (i32.gt_u (global.get $lanes) (i32.const 1)) (then",
  "  (local.set $lane (i32.rem_u (i32.wrap_i64 (i64.shr_u (local.get $random) (i64.const 32))) (global.get $lanes)))))",
  // In its own lane a block may refer to all before it but the last; in another not to the last, if it is itself the first.
  "(local.set $area (i64.extend_i32_u (i32.add (global.get $areaBlocks)",
  "  (if (result i32) (i32.eq (local.get $lane) (global.get $lane))",
  "    (then (i32.sub (local.get $index) (i32.const 1)))",
  "    (else (i32.sub (i32.const 0) (i32.eqz (local.get $index))))))))",
  "(local.set $x (i64.and (local.get $random) (i64.const 0xffffffff)))",
  "(local.set $x (i64.shr_u (i64.mul (local.get $x) (local.get $x)) (i64.const 32)))",
  "(local.set $x (i64.shr_u (i64.mul (local.get $area) (local.get $x)) (i64.const 32)))",
  "(local.set $block (i32.add (global.get $areaStart)",
  "  (i32.wrap_i64 (i64.sub (i64.sub (local.get $area) (i64.const 1)) (local.get $x)))))",
  "(if (i32.ge_u (local.get $block) (global.get $laneBlocks))",
  "  (then (local.set $block (i32.sub (local.get $block) (global.get $laneBlocks)))))",
  "(i32.add (global.get $blocksAt) (i32.shl",
  "  (i32.add (i32.mul (local.get $lane) (global.get $laneBlocks)) (local.get $block)) (i32.const 10))))",
];

const segment = () => [
  `(func (export "segment") ${SEGMENT_SETTINGS.map((name) => param(name, "i32")).join(" ")}`,
  ...SEGMENT_SETTINGS.map((name) => `(global.set $${name} (local.get $${name}))`),
  ")",
];

/**
 * Fills the blocks `index` to `end` of a segment, from `block` on; `previous` is the block before it. `pseudoRandom` is where the
 * 64 bits J2 J1 for the block `index` are.
 * @param {{ name: string, pseudoRandom: string }} options
 */
function fill({ name, pseudoRandom }) {
  const cacheLines = Array.from({ length: BLOCK_BYTES / CACHE_LINE_BYTES }, (_, line) => line * CACHE_LINE_BYTES);
  return [
    `(func (export "${name}") ${param("block", "i32")} ${param("previous", "i32")} ${param("index", "i32")} ${param("end", "i32")}`,
    `${param("addresses", "i32")} ${local("next", "i32")}`,
    `(call $combine ${get("previous")} (call $reference ${pseudoRandom} ${get("index")}))`,
    "(loop $next_block",
    set("next", get("block")),
    ...allRows(),
    columnCall(FIRST_GROUP, "next"),
    // The new block's first word is there now, and with it the next reference; asking for its cache lines here hides their latency.
    set("previous", get("block")),
    set("index", plus(get("index"), i32(1))),
    `(if (i32.lt_u ${get("index")} ${get("end")}) (then ${set("next", `(call $reference ${pseudoRandom} ${get("index")})`)}))`,
    ...cacheLines.map((offset) => `(drop (i32.load offset=${offset} ${get("next")}))`),
    ...OTHER_GROUPS.map((group) => columnCall(group, "next")),
    `(call $finish_first_columns ${get("block")} ${get("next")})`,
    set("block", plus(get("block"), i32(BLOCK_BYTES))),
    `(br_if $next_block (i32.lt_u ${get("index")} ${get("end")}))))`,
  ];
}

/** `block` = G(x, y), for the blocks of addresses (section 3.4.1.2); `block` must hold zeros. */
const compress = () => [
  `(func (export "compress") ${param("block", "i32")} ${param("x", "i32")} ${param("y", "i32")}`,
  `(call $combine ${get("x")} ${get("y")})`,
  ...allRows(),
  ...[FIRST_GROUP, ...OTHER_GROUPS].map((group) => columnCall(group, "block")),
  ")",
];

const allRows = () =>
  [FIRST_GROUP, ...OTHER_GROUPS].map(({ count, first }) => `(call $rows${count} ${i32(first * ROW_BYTES)})`);

/** @param {Group} group @param {string} next the local with the next reference block's address */
const columnCall = ({ count, first }, next) => {
  const at = i32(first * VECTOR_BYTES);
  return `(call $columns${count} ${at} ${plus(get("block"), at)} ${plus(get(next), at)})`;
};
