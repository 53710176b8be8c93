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

// The scratch blocks: R = X xor Y, Z between the two rounds of P, W after them. Z is kept transposed, so that its rows are the
// block's columns; W, transposed again, is in the block's own order.
const R_AT = 0;
const Z_AT = R_AT + BLOCK_BYTES;
const W_AT = Z_AT + BLOCK_BYTES;

/**
 * The eight rows, or columns, by calls of `$permute2` and `$permute3`.
 * @typedef {{ readonly count: 2 | 3, readonly first: number }} Group
 */

/** @type {Group} */
const FIRST_GROUP = { count: 3, first: 0 };

// Together with the first group, all eight.
/** @type {readonly Group[]} */
const OTHER_GROUPS = [
  { count: 2, first: 3 },
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
    ...permute(engine, 2),
    ...permute(engine, 3),
    ...combine(),
    ...finish(),
    ...reference(),
    ...segment(),
    ...fill({ name: "fill_dependent", first: "(i64.load (local.get $previous))", next: firstWordOfBlock() }),
    ...fill({ name: "fill_independent", first: address(), next: address() }),
    ...compress(),
    ")",
  ].join("\n");
}

/**
 * One vector or word of a row, and where it is: in the rows that are read, and in the transposed rows that are written, where two
 * words stay together.
 * @typedef {{ readonly name: string, readonly type: "v128" | "i64", readonly from: number, readonly to: number }} Cell
 */

/** @type {readonly Cell[]} */
const VECTOR_CELLS = LANES.flatMap((lane) =>
  vectorsOf(lane).map((name, index) => ({
    name,
    type: "v128",
    from: lane * ROW_BYTES + index * VECTOR_BYTES,
    to: index * ROW_BYTES + lane * VECTOR_BYTES,
  })),
);

/** @type {readonly Cell[]} */
const WORD_CELLS = words.map((name, index) => ({
  name,
  type: "i64",
  from: LANES.length * ROW_BYTES + index * WORD_BYTES,
  to: Math.floor(index / 2) * ROW_BYTES + LANES.length * VECTOR_BYTES + (index % 2) * WORD_BYTES,
}));

/**
 * P on two or three neighbouring rows, from `at` on; the result is written transposed, from `to` on. Two rows are in vectors, the
 * third in scalar words, which costs little beside them.
 * @param {Engine} engine @param {2 | 3} count
 */
function permute(engine, count) {
  const cells = count === 3 ? [...VECTOR_CELLS, ...WORD_CELLS] : VECTOR_CELLS;
  const inOrderOfWriting = [...cells].sort((left, right) => left.to - right.to);
  return [
    `(func $permute${count} ${param("at", "i32")} ${param("to", "i32")}`,
    ...scalarLocals(),
    ...permutationLocals(),
    ...cells.map(({ name, type, from }) => set(name, load(type, get("at"), from))),
    ...(count === 3 ? mix(permuteTwo(engine), permuteWords()) : permuteTwo(engine)),
    ...inOrderOfWriting.map(({ name, type, to }) => store(type, get("to"), to, get(name))),
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

/** The block is done: block = W ^ R ^ what it held, which is zeros in the first pass; and R is made for the next, block ^ next. */
const finish = () => [
  `(func $finish ${param("block", "i32")} ${param("next", "i32")} ${local("at", "i32")} ${local("sum", "v128")}`,
  "(loop $more",
  ...[0, 1, 2, 3].flatMap((step) => {
    const offset = step * VECTOR_BYTES;
    const permuted = xor("v128", load("v128", get("at"), W_AT + offset), load("v128", get("at"), R_AT + offset));
    return [
      set("sum", xor("v128", permuted, load("v128", get("block"), offset))),
      store("v128", get("block"), offset, get("sum")),
      store("v128", get("at"), R_AT + offset, xor("v128", get("sum"), load("v128", get("next"), offset))),
    ];
  }),
  ...["block", "next", "at"].map((name) => set(name, plus(get(name), i32(CACHE_LINE_BYTES)))),
  `(br_if $more (i32.lt_u ${get("at")} ${i32(BLOCK_BYTES)}))))`,
];

/** The first word of the block that is being made, as `$finish` will write it: J2 and J1 of the next. */
const firstWordOfBlock = () =>
  xor("i64", xor("i64", load("i64", i32(0), W_AT), load("i64", i32(0), R_AT)), load("i64", get("block"), 0));

/** J2 and J1 of the block `index`, out of the segment's addresses. */
const address = () => load("i64", plus(get("addresses"), `(i32.shl ${get("index")} (i32.const 3))`), 0);

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
 * Fills the blocks `index` to `end` of a segment, from `block` on; `previous` is the block before it. Where J2 and J1, 64 bits, are
 * for the first block and, while one is being made, for the next, is what the two ways of addressing differ in.
 * @param {{ name: string, first: string, next: string }} options
 */
function fill({ name, first, next }) {
  const cacheLines = Array.from({ length: BLOCK_BYTES / CACHE_LINE_BYTES }, (_, line) => line * CACHE_LINE_BYTES);
  return [
    `(func (export "${name}") ${param("block", "i32")} ${param("previous", "i32")} ${param("index", "i32")} ${param("end", "i32")}`,
    `${param("addresses", "i32")} ${local("next", "i32")}`,
    `(call $combine ${get("previous")} (call $reference ${first} ${get("index")}))`,
    "(loop $next_block",
    ...[FIRST_GROUP, ...OTHER_GROUPS].map((group) => permuteRows(R_AT, Z_AT, group)),
    permuteRows(Z_AT, W_AT, FIRST_GROUP),
    set("index", plus(get("index"), i32(1))),
    // The new block's first word is known now, and with it the next reference; asking for its cache lines hides their latency.
    set("next", get("block")),
    `(if (i32.lt_u ${get("index")} ${get("end")}) (then ${set("next", `(call $reference ${next} ${get("index")})`)}))`,
    ...cacheLines.map((offset) => `(drop (i32.load offset=${offset} ${get("next")}))`),
    ...OTHER_GROUPS.map((group) => permuteRows(Z_AT, W_AT, group)),
    `(call $finish ${get("block")} ${get("next")})`,
    set("block", plus(get("block"), i32(BLOCK_BYTES))),
    `(br_if $next_block (i32.lt_u ${get("index")} ${get("end")}))))`,
  ];
}

/** `block` = G(x, y), for the blocks of addresses (section 3.4.1.2); `block` must hold zeros. */
const compress = () => [
  `(func (export "compress") ${param("block", "i32")} ${param("x", "i32")} ${param("y", "i32")}`,
  `(call $combine ${get("x")} ${get("y")})`,
  ...[FIRST_GROUP, ...OTHER_GROUPS].map((group) => permuteRows(R_AT, Z_AT, group)),
  ...[FIRST_GROUP, ...OTHER_GROUPS].map((group) => permuteRows(Z_AT, W_AT, group)),
  `(call $finish ${get("block")} ${get("block")})`,
  ")",
];

/** @param {number} from the scratch block to read @param {number} to the scratch block to write @param {Group} group */
const permuteRows = (from, to, { count, first }) =>
  `(call $permute${count} ${i32(from + first * ROW_BYTES)} ${i32(to + first * VECTOR_BYTES)})`;
