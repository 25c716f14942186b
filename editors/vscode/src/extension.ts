/** Starts the server for the editor, and restarts it on request. */

import * as vscode from "vscode";
import {
  DidChangeConfigurationNotification,
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
} from "vscode-languageclient/node";

import { argumentsOf, type Configuration, find, HOW_TO_INSTALL, settingsOf } from "./server.js";

const LANGUAGES = ["yaml", "helm", "json", "jsonc", "dockercompose", "terraform", "terraform-vars", "opentofu", "hcl"];

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("regfix.restart", restart),
    vscode.workspace.onDidChangeConfiguration(changed),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

function configuration(): Configuration {
  const set = vscode.workspace.getConfiguration("regfix");
  const list = (name: string): string[] => set.get<string[]>(name, []);
  return {
    path: set.get("path", ""),
    verify: set.get("verify", false),
    select: list("select"),
    ignore: list("ignore"),
    exclude: list("exclude"),
    config: set.get("config", ""),
    minSeverity: set.get("minSeverity", "info"),
    allText: set.get("allText", false),
    noBaseline: set.get("noBaseline", false),
  };
}

async function start(): Promise<void> {
  const set = configuration();
  const command = find(set.path);
  if (command === undefined) {
    const message = set.path === "" ? HOW_TO_INSTALL : `regfix.path: ${set.path} is not a program with a full path.`;
    void vscode.window.showErrorMessage(message);
    return;
  }
  const server: ServerOptions = { command, args: argumentsOf(set) };
  const options: LanguageClientOptions = {
    documentSelector: ["file", "untitled"].flatMap((scheme) =>
      LANGUAGES.map((language) => ({ scheme, language })),
    ),
    initializationOptions: settingsOf(set),
  };
  client = new LanguageClient("regfix", "regfix", server, options);
  await client.start();
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

async function changed(event: vscode.ConfigurationChangeEvent): Promise<void> {
  if (event.affectsConfiguration("regfix.path") || event.affectsConfiguration("regfix.verify")) {
    await restart();
  } else if (event.affectsConfiguration("regfix")) {
    const settings = { regfix: settingsOf(configuration()) };
    await client?.sendNotification(DidChangeConfigurationNotification.type, { settings });
  }
}
