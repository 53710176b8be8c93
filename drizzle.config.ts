import { defineConfig } from "drizzle-kit";

// Tools' own configuration stays bare here: `npx drizzle-kit push` finds it at the root.
const url = process.env["DATABASE_URL"];

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/db/schema.ts",
  out: "./drizzle",
  ...(url === undefined ? { driver: "pglite", dbCredentials: { url: ".data/pglite" } } : { dbCredentials: { url } }),
});
