import fc from "fast-check";
import { expect, it } from "vitest";
import { instantText } from "../../../../src/db/drivers/instant-text.ts";

const read = (text: string) => new Date(instantText(text)).toISOString();

it.each([
  ["2026-11-24 15:57:19.369548+00", "2026-11-24T15:57:19.369Z"],
  ["2026-11-24 15:57:19+05:30", "2026-11-24T10:27:19.000Z"],
  ["infinity", "+275760-09-13T00:00:00.000Z"],
  ["-infinity", "-271821-04-20T00:00:00.000Z"],
  ["20000-01-01 00:00:00+00", "+020000-01-01T00:00:00.000Z"],
  ["294276-12-31 00:00:00+00", "+275760-09-13T00:00:00.000Z"],
  ["0044-03-15 12:30:00.5+00", "0044-03-15T12:30:00.500Z"],
  ["0044-03-15 00:00:00+00 BC", "-000043-03-15T00:00:00.000Z"],
  ["4713-01-01 00:00:00+00 BC", "-004712-01-01T00:00:00.000Z"],
  ["1800-01-01 00:53:28+00:53:28", "1800-01-01T00:00:00.000Z"],
])("reads %s as %s", (text, iso) => {
  expect(read(text)).toBe(iso);
});

it("reads every instant of Date's from the year 1 on, written as Postgres writes it, in any offset", () => {
  const instants = fc.date({
    min: new Date("0001-01-02T00:00:00Z"),
    max: new Date(8.64e15 - 86_400_000),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(instants, fc.integer({ min: -57_599, max: 57_599 }), (instant, offsetS) => {
      const there = new Date(instant.getTime() + 1_000 * offsetS).toISOString();
      const [, year, rest] = /^\+?(-?\d+)-(\d\d-\d\dT.*)Z$/.exec(there) ?? [];
      fc.pre(year !== undefined && rest !== undefined && Number(year) > 0);
      const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
      const part = Math.abs(offsetS);
      const offset = `${offsetS < 0 ? "-" : "+"}${two(part / 3_600)}:${two((part / 60) % 60)}:${two(part % 60)}`;
      const text = `${String(Number(year)).padStart(4, "0")}-${rest?.replace("T", " ")}${offset}`;
      expect(read(text)).toBe(instant.toISOString());
    }),
  );
});

it("gives back what is no instant", () => {
  expect(instantText("yesterday")).toBe("yesterday");
});
