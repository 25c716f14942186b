/** Tests how the server is found, and its arguments and settings. */

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";

import { argumentsOf, type Configuration, find, settingsOf } from "../src/server.js";

const NAME = process.platform === "win32" ? "regfix.exe" : "regfix";
const folder = mkdtempSync(join(tmpdir(), "regfix-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function program(name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  const path = join(folder, name, NAME);
  writeFileSync(path, "");
  chmodSync(path, 0o755);
  return path;
}

const SET: Configuration = {
  path: "",
  verify: false,
  select: [],
  ignore: ["bitnami-*"],
  exclude: [],
  config: "",
  minSeverity: "warning",
  allText: false,
  noBaseline: false,
};

test("the first program on the PATH is taken", () => {
  const [first, second] = [program("one"), program("two")];
  mkdirSync(join(folder, "empty"));
  const path = [join(folder, "empty"), join(folder, "one"), join(folder, "two")].join(delimiter);
  assert.equal(find("", { PATH: path }), first);
  assert.equal(find(second, { PATH: path }), second);
});

test("nothing of the workspace is started", () => {
  program("here");
  process.chdir(join(folder, "here"));
  assert.equal(find("", { PATH: ["", ".", "bin"].join(delimiter) }), undefined);
  assert.equal(find(NAME, {}), undefined);
  assert.equal(find("", {}), undefined);
});

test("a folder and a file that cannot be run are no programs", { skip: process.platform === "win32" }, () => {
  const path = program("plain");
  chmodSync(path, 0o644);
  assert.equal(find(path, {}), undefined);
  assert.equal(find(folder, {}), undefined);
});

test("settings go to the server as it knows them", () => {
  assert.deepEqual(argumentsOf(SET), ["lsp"]);
  assert.deepEqual(argumentsOf({ ...SET, verify: true }), ["lsp", "--verify"]);
  const settings = settingsOf(SET);
  assert.equal(settings["config"], null);
  assert.deepEqual(settings["ignore"], ["bitnami-*"]);
  assert.ok(!("path" in settings) && !("verify" in settings));
});
