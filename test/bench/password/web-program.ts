/** What every runtime but workerd runs, in one bundle; prints the measurements as JSON. */
import { type ModuleName, type Modules, webAssemblyContenders } from "./contenders.ts";
import { measureInterleaved } from "./measure.ts";

/** Put in by whoever bundles this: the modules' bytes in base64, and how often to measure. */
declare const MODULES: Readonly<Record<ModuleName, string>>;
declare const ROUNDS: number;

const compiled = Object.entries(MODULES).map(([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return [name, new WebAssembly.Module(bytes)] as const;
});
const contenders = await webAssemblyContenders(Object.fromEntries(compiled) as Modules, { stock: true });
console.log(JSON.stringify(await measureInterleaved(contenders, ROUNDS)));
