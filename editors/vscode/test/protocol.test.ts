/** Tests the real server with the protocol library that the extension's client uses. `REGFIX` names the program. */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import {
  type CodeAction,
  CodeActionRequest,
  createProtocolConnection,
  DidChangeConfigurationNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  HoverRequest,
  InitializedNotification,
  InitializeRequest,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  TextDocumentEdit,
} from "vscode-languageserver-protocol/node.js";

import { argumentsOf, type Configuration, find, settingsOf } from "../src/server.js";

const TEXT = "kind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.9\n";
const SET: Configuration = {
  path: process.env["REGFIX"] ?? "",
  verify: false,
  select: [],
  ignore: [],
  exclude: [],
  config: "",
  minSeverity: "info",
  allText: false,
  noBaseline: false,
};

const folder = mkdtempSync(join(tmpdir(), "regfix-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("a document is judged, fixed and explained, and settings can change", async () => {
  const command = find(SET.path);
  assert.ok(command !== undefined, "REGFIX names the program, with its full path");
  const child: ChildProcessWithoutNullStreams = spawn(command, argumentsOf(SET), { cwd: folder });
  const connection = createProtocolConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  const published: PublishDiagnosticsParams[] = [];
  let wake = (): void => undefined;
  connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
    published.push(params);
    wake();
  });
  connection.onRequest(RegistrationRequest.type, () => undefined);
  connection.listen();

  /** Waits for the next report with this number of diagnostics. */
  const diagnostics = async (count: number): Promise<PublishDiagnosticsParams> => {
    for (;;) {
      const found = published.shift();
      if (found?.diagnostics.length === count) {
        return found;
      }
      if (found === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };

  const path = join(folder, "pod.yaml");
  writeFileSync(path, TEXT);
  const uri = pathToFileURL(path).href;
  const root = pathToFileURL(folder).href;
  const initialized = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the type of the protocol requires it
    rootUri: null,
    capabilities: {
      workspace: { workspaceEdit: { documentChanges: true } },
      textDocument: { codeAction: { isPreferredSupport: true } },
    },
    workspaceFolders: [{ uri: root, name: "test" }],
    initializationOptions: settingsOf(SET),
  });
  assert.equal(initialized.serverInfo?.name, "regfix");
  await connection.sendNotification(InitializedNotification.type, {});
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: "yaml", version: 1, text: TEXT },
  });
  const [diagnostic] = (await diagnostics(1)).diagnostics;
  assert.ok(diagnostic);
  assert.equal(diagnostic.code, "k8s-gcr-io");

  const { range } = diagnostic;
  const context = { diagnostics: [diagnostic], only: ["quickfix"] };
  const actions = await connection.sendRequest(CodeActionRequest.type, { textDocument: { uri }, range, context });
  const fix = actions?.find((action): action is CodeAction => "edit" in action && action.isPreferred === true);
  const change = fix?.edit?.documentChanges?.[0];
  assert.ok(change !== undefined && TextDocumentEdit.is(change));
  assert.equal(change.textDocument.version, 1);
  assert.equal(change.edits[0]?.newText, "registry.k8s.io");

  const hover = await connection.sendRequest(HoverRequest.type, { textDocument: { uri }, position: range.start });
  assert.match(JSON.stringify(hover?.contents), /registry\.k8s\.io\/pause:3\.9/);

  const settings = { regfix: settingsOf({ ...SET, ignore: ["k8s-gcr-io"] }) };
  await connection.sendNotification(DidChangeConfigurationNotification.type, { settings });
  await diagnostics(0);

  await connection.sendRequest(ShutdownRequest.type);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await connection.sendNotification(ExitNotification.type);
  assert.equal(await ended, 0);
  connection.dispose();
});
