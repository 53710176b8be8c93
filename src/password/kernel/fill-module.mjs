/**
 * Writes the module that fills Argon2's memory, in WebAssembly's text format. What it does is RFC 9106 section 3.5; why it does it
 * in this order is in README.md.
 */
import { permutationLocals, permuteTwo, vectorsOf } from "./permutation.mjs";
import { get, i32, load, local, param, plus, set, store, xor } from "./text-format.mjs";

/** @typedef {import("./permutation.mjs").Engine} Engine */

const BLOCK_BYTES = 1024;
const VECTOR_BYTES = 16;
const ROW_BYTES = 128;
const CACHE_LINE_BYTES = 64;
const LANES = /** @type {const} */ ([0, 1]);

// The scratch page: R = X xor Y, and Z, the block between the two rounds of P.
const R_AT = 0;
const Z_AT = R_AT + BLOCK_BYTES;

/** What `segment` sets once for all blocks of a segment. */
const SEGMENT_SETTINGS = ["lane", "lanes", "laneBlocks", "blocksAt", "areaBlocks", "areaStart"];

/** @param {{ engine: Engine }} options */
export function fillModule({ engine }) {
  return [
    "(module",
    '(memory (export "memory") 1)',
    ...SEGMENT_SETTINGS.map((name) => `(global $${name} (mut i32) (i32.const 0))`),
    ...rows(engine),
    ...columns(engine),
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

/** P on two neighbouring rows of R, at `at` and 128 bytes on; the result goes to the same rows of Z. @param {Engine} engine */
function rows(engine) {
  const each = LANES.flatMap((lane) =>
    vectorsOf(lane).map((name, index) => ({ name, offset: lane * ROW_BYTES + index * VECTOR_BYTES })),
  );
  return [
    `(func $rows ${param("at", "i32")}`,
    ...permutationLocals(),
    ...each.map(({ name, offset }) => set(name, load(get("at"), R_AT + offset))),
    ...permuteTwo(engine),
    ...each.map(({ name, offset }) => store(get("at"), Z_AT + offset, get(name))),
    ")",
  ];
}

/**
 * P on two neighbouring columns of Z, each two words wide, at `at` and 16 bytes on. The result is final, so it goes straight into
 * the new block (which is Z ^ R ^ what the block held: zeros in the first pass), and, xored with the next reference block, into R.
 * @param {Engine} engine
 */
function columns(engine) {
  const each = vectorsOf(0).flatMap((name, index) =>
    [name, vectorsOf(1)[index] ?? ""].map((each, lane) => ({
      name: each,
      offset: index * ROW_BYTES + lane * VECTOR_BYTES,
    })),
  );
  return [
    `(func $columns ${param("at", "i32")} ${param("block", "i32")} ${param("next", "i32")}`,
    ...permutationLocals(),
    ...each.map(({ name, offset }) => set(name, load(get("at"), Z_AT + offset))),
    ...permuteTwo(engine),
    ...each.flatMap(({ name, offset }) => [
      set(name, xor(xor(get(name), load(get("at"), R_AT + offset)), load(get("block"), offset))),
      store(get("block"), offset, get(name)),
      store(get("at"), R_AT + offset, xor(get(name), load(get("next"), offset))),
    ]),
    ")",
  ];
}

/** R = x ^ y, whole blocks. */
const combine = () => [
  `(func $combine ${param("x", "i32")} ${param("y", "i32")} ${local("at", "i32")}`,
  "(loop $next",
  store(get("at"), R_AT, xor(load(plus(get("x"), get("at")), 0), load(plus(get("y"), get("at")), 0))),
  set("at", plus(get("at"), i32(VECTOR_BYTES))),
  `(br_if $next (i32.lt_u ${get("at")} ${i32(BLOCK_BYTES)}))))`,
];

/** The first two columns of R, which were made before the next reference block was known. */
const finishFirstColumns = () => [
  `(func $finish_first_columns ${param("block", "i32")} ${param("next", "i32")}`,
  ...vectorsOf(0).flatMap((_, row) =>
    LANES.map((lane) => {
      const offset = row * ROW_BYTES + lane * VECTOR_BYTES;
      return store(i32(0), R_AT + offset, xor(load(get("block"), offset), load(get("next"), offset)));
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
  const column = (/** @type {number} */ at) =>
    `(call $columns ${i32(at)} ${plus(get("block"), i32(at))} ${plus(get("next"), i32(at))})`;
  const cacheLines = Array.from({ length: BLOCK_BYTES / CACHE_LINE_BYTES }, (_, line) => line * CACHE_LINE_BYTES);
  return [
    `(func (export "${name}") ${param("block", "i32")} ${param("previous", "i32")} ${param("index", "i32")} ${param("end", "i32")}`,
    `${param("addresses", "i32")} ${local("next", "i32")}`,
    `(call $combine ${get("previous")} (call $reference ${pseudoRandom} ${get("index")}))`,
    "(loop $next_block",
    set("next", get("block")),
    ...allRows(),
    column(0),
    // The new block's first word is there now, and with it the next reference; asking for its cache lines here hides their latency.
    set("previous", get("block")),
    set("index", plus(get("index"), i32(1))),
    `(if (i32.lt_u ${get("index")} ${get("end")}) (then ${set("next", `(call $reference ${pseudoRandom} ${get("index")})`)}))`,
    ...cacheLines.map((offset) => `(drop (i32.load offset=${offset} ${get("next")}))`),
    ...[32, 64, 96].map(column),
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
  ...[0, 32, 64, 96].map((at) => `(call $columns ${i32(at)} ${plus(get("block"), i32(at))} ${get("block")})`),
  ")",
];

const allRows = () => [0, 2, 4, 6].map((row) => `(call $rows ${i32(row * ROW_BYTES)})`);
