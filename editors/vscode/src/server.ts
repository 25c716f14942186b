/** Where the server is, and what it is told. Knows nothing of the editor, so that it can be tested without one. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** What the user has set, as the editor has it. */
export interface Configuration {
  path: string;
  verify: boolean;
  select: string[];
  ignore: string[];
  exclude: string[];
  config: string;
  minSeverity: string;
  allText: boolean;
  noBaseline: boolean;
}

/** What is said where there is no regfix. */
export const HOW_TO_INSTALL =
  "regfix is not on the PATH. Install it, or name the program in the setting `regfix.path`.";

/** The program that is started: the one that was set, or the first on the `PATH`. Nothing of a workspace is looked at. */
export function find(set: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (set !== "") {
    return isAbsolute(set) && isProgram(set) ? set : undefined;
  }
  const names = process.platform === "win32" ? ["regfix.exe"] : ["regfix"];
  // An empty or relative entry would be a folder of the workspace.
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The arguments of the server. */
export function argumentsOf(configuration: Configuration): string[] {
  return configuration.verify ? ["lsp", "--verify"] : ["lsp"];
}

/** What the server is told of the settings, at the start and whenever they change. */
export function settingsOf(configuration: Configuration): Record<string, unknown> {
  const { select, ignore, exclude, config, minSeverity, allText, noBaseline } = configuration;
  return { select, ignore, exclude, config: config === "" ? null : config, minSeverity, allText, noBaseline };
}
