// A client for the real yaml-language-server over stdio: open a document, take its diagnostics, ask for completions.
// Knows the protocol only, nothing of trueup.
import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const program = fileURLToPath(new URL('node_modules/yaml-language-server/bin/yaml-language-server', import.meta.url));
const patienceMs = 30_000;
const settings = {
  // No schema store: the test has no network, and only the `$schema` comment may choose the schema.
  yaml: { validate: true, completion: true, hover: true, schemaStore: { enable: false }, kubernetesCRDStore: { enable: false } },
};

export class LanguageServer {
  #child;
  #nextId = 1;
  #replies = new Map();
  #diagnostics = new Map();
  #opened = new Set();
  #buffer = Buffer.alloc(0);
  #stopping = false;

  /** Starts the server with `root` (a folder) as its workspace. */
  static async start(root) {
    const server = new LanguageServer();
    server.#child = spawn(process.execPath, [program, '--stdio'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    server.#child.stdout.on('data', (bytes) => server.#receive(bytes));
    server.#child.on('exit', (code) => server.#ended(code));
    const uri = pathToFileURL(root).href;
    await server.#request('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'trueup' }],
      capabilities: {
        workspace: { configuration: true, workspaceFolders: true },
        textDocument: {
          completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'] } },
          hover: { contentFormat: ['markdown'] },
          publishDiagnostics: {},
        },
      },
    });
    server.#notify('initialized', {});
    server.#notify('workspace/didChangeConfiguration', { settings });
    return server;
  }

  /** Opens `text` as the file `path` (which need not exist) and returns its diagnostics. Lines count from 0. */
  async open(path, text) {
    const uri = pathToFileURL(path).href;
    if (this.#opened.has(uri)) throw new Error(`${path} was opened before: its old diagnostics could be taken for the new`);
    this.#opened.add(uri);
    const diagnostics = this.#expect(this.#diagnostics, uri, `diagnostics of ${path}`);
    this.#notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
    return diagnostics;
  }

  /** The labels that an editor would offer at this place of an open document. */
  async completions(path, position) {
    const textDocument = { uri: pathToFileURL(path).href };
    const result = await this.#request('textDocument/completion', { textDocument, position });
    return (result?.items ?? result ?? []).map((item) => item.label);
  }

  /** The text that an editor would show at this place of an open document. */
  async hover(path, position) {
    const result = await this.#request('textDocument/hover', { textDocument: { uri: pathToFileURL(path).href }, position });
    return result?.contents?.value ?? '';
  }

  async stop() {
    this.#stopping = true;
    await this.#request('shutdown', null);
    this.#notify('exit', null);
  }

  #request(method, params) {
    const id = this.#nextId++;
    const reply = this.#expect(this.#replies, id, `the reply to ${method}`);
    this.#send({ id, method, params });
    return reply;
  }

  #notify(method, params) {
    this.#send({ method, params });
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#child.stdin.write(body);
  }

  #expect(waiting, key, what) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what}: nothing for ${patienceMs / 1000} s`)), patienceMs);
      const settle = (done) => (value) => {
        clearTimeout(timer);
        waiting.delete(key);
        done(value);
      };
      waiting.set(key, { resolve: settle(resolve), reject: settle(reject) });
    });
  }

  #receive(bytes) {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    for (;;) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#buffer.subarray(0, end).toString())[1]);
      if (this.#buffer.length < end + 4 + length) return;
      const message = JSON.parse(this.#buffer.subarray(end + 4, end + 4 + length).toString());
      this.#buffer = this.#buffer.subarray(end + 4 + length);
      this.#handle(message);
    }
  }

  #handle(message) {
    if (message.method === 'workspace/configuration') {
      this.#send({ id: message.id, result: message.params.items.map(({ section }) => settings[section] ?? null) });
    } else if (message.method === 'textDocument/publishDiagnostics') {
      this.#diagnostics.get(message.params.uri)?.resolve(message.params.diagnostics);
    } else if (message.method !== undefined && message.id !== undefined) {
      this.#send({ id: message.id, result: null });
    } else if (message.id !== undefined) {
      const waiting = this.#replies.get(message.id);
      if (message.error) waiting?.reject(new Error(message.error.message));
      else waiting?.resolve(message.result);
    }
  }

  #ended(code) {
    if (this.#stopping) return;
    const error = new Error(`the language server ended with ${code}`);
    for (const waiting of [...this.#replies.values(), ...this.#diagnostics.values()]) waiting.reject(error);
  }
}
