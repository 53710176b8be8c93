import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's top folder, absolute. Everything set-up installs stays below it. */
export const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/(?<=.)\/$/, "");

/**
 * @param {string[]} names
 * @returns {string} a path in the checkout
 */
export const inCheckout = (...names) => join(root, ...names);
