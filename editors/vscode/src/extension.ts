/** Starts ksim-lsp for the YAML files that are tasks, and shows what it says. */

import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import {
  type DocumentFilter,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type ServerOptions,
} from "vscode-languageclient/node";

const LANGUAGE = "ksim";
const HEAD = 40; // lines in which a task says that it is one
const INSTALL = "pip install 'ksim-schema[editor]'";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("ksim.restart", restart),
    vscode.commands.registerCommand("ksim.fixAll", fixAll),
    vscode.workspace.onDidOpenTextDocument(claim),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("ksim.server") || event.affectsConfiguration("ksim.files")) {
        await restart();
      }
    }),
  );
  await Promise.all(vscode.workspace.textDocuments.map(claim));
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** Give a YAML file that says that it is a task the language of tasks. */
async function claim(document: vscode.TextDocument): Promise<void> {
  if (document.languageId === "yaml" && document.uri.scheme === "file" && isTask(document)) {
    await vscode.languages.setTextDocumentLanguage(document, LANGUAGE);
  }
}

/** Whether a file begins as tasks do: with the version of the language and its name. */
function isTask(document: vscode.TextDocument): boolean {
  let version = false;
  let task = false;
  for (let line = 0; line < Math.min(HEAD, document.lineCount); line++) {
    const text = document.lineAt(line).text;
    version ||= /^ksim:\s*\d/.test(text);
    task ||= /^(task|study):\s*\S/.test(text);
  }
  return version && task;
}

async function restart(): Promise<void> {
  await client?.stop();
  client = undefined;
  await start();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("ksim");
  const command = server(settings.get<string>("server.path", "ksim-lsp"));
  const args = settings.get<string[]>("server.arguments", []);
  const serverOptions: ServerOptions = { command, args };
  const patterns: DocumentFilter[] = settings
    .get<string[]>("files", [])
    .map((pattern) => ({ scheme: "file", language: "yaml", pattern }));
  const clientOptions: LanguageClientOptions = {
    documentSelector: [{ scheme: "file", language: LANGUAGE }, ...patterns],
    revealOutputChannelOn: RevealOutputChannelOn.Never,
  };
  client = new LanguageClient("ksim", "ksim", serverOptions, clientOptions);
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const chosen = await vscode.window.showErrorMessage(
      `The language server '${command}' does not start: ${error}. It comes with ${INSTALL}.`,
      "Open settings",
    );
    if (chosen !== undefined) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "ksim.server.path");
    }
  }
}

/** The program: as it is set, or that of an environment in the folder. */
function server(given: string): string {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const first = folders[0]?.uri.fsPath ?? "";
  if (given !== "ksim-lsp") {
    return given.replace("${workspaceFolder}", first);
  }
  const inside =
    process.platform === "win32" ? [".venv", "Scripts", "ksim-lsp.exe"] : [".venv", "bin", given];
  const found = folders.map((folder) => path.join(folder.uri.fsPath, ...inside));
  return found.find((file) => fs.existsSync(file)) ?? given;
}

/** Ask the server for what puts right all that is certain to be a slip, and do it. */
async function fixAll(): Promise<void> {
  await vscode.commands.executeCommand("editor.action.sourceAction", {
    kind: vscode.CodeActionKind.SourceFixAll.value,
    apply: "first",
  });
}
