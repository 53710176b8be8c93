/** Whoever reads our output may leave (`npm start | head -1`): that ends nothing. */
export function outliveReaders() {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}
