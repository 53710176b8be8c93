import type { Command } from "commander";

/** The commands below `program`, however deep, that are called `name`, as one types them: `gatehouse db migrate`. */
export function findCommands(program: Command, name: string): string[] {
  return program.commands.flatMap((command) => [
    ...(command.name() === name ? [`${program.name()} ${name}`] : []),
    ...findCommands(command, name).map((below) => `${program.name()} ${below}`),
  ]);
}
