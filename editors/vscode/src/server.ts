/** Finds the server, and builds its arguments and settings. Does not use the editor's API, so that tests need no editor. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** The user's settings, as the editor stores them. */
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

/** The message if regfix is not installed. */
export const HOW_TO_INSTALL =
  "regfix is not on the PATH. Install it, or name the program in the setting `regfix.path`.";

/** Returns the program to start: the configured one, or the first on the `PATH`. Does not search the workspace. */
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

/** Returns the arguments of the server. */
export function argumentsOf(configuration: Configuration): string[] {
  return configuration.verify ? ["lsp", "--verify"] : ["lsp"];
}

/** Returns the settings that are sent to the server, at the start and whenever they change. */
export function settingsOf(configuration: Configuration): Record<string, unknown> {
  const { select, ignore, exclude, config, minSeverity, allText, noBaseline } = configuration;
  return { select, ignore, exclude, config: config === "" ? null : config, minSeverity, allText, noBaseline };
}
