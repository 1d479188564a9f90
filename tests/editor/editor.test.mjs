// What an editor shows to somebody who writes a playbook: the schemas in schema/, judged by the real
// yaml-language-server. Knows no rule of trueup itself: what a schema cannot say is the business of `trueup check`.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LanguageServer } from './language-server.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const modeline = /^# yaml-language-server: \$schema=(\S+)\n/;

const playbook = {
  path: join(root, 'playbooks/editor/take-back.yaml'), // never written to disk
  text: `# yaml-language-server: $schema=../../schema/playbook.schema.json
trueup: v1
name: editor/take-back
version: 1
title: Take back an award that was made in error
description: The trainee was recommended for award by mistake.
owner: register-support
risk: high
params:
  slug: { type: string, pattern: "^[0-9A-Za-z]{24}$", description: The trainee's slug, example: 7xKqRmT2pZ9sVbN4wYcD6fGh }
preconditions:
  - id: trainee
    find: { table: register.trainees, where: { slug: "{{ params.slug }}" }, expect: one }
    otherwise: "No trainee has the slug {{ params.slug }}."
steps:
  - id: dqt_agreed
    ask:
      who: register-support
      question: Has the DQT team taken the award back?
      answer: { ticket: { type: string, description: DQT's ticket number } }
  - id: clear_award
    row:
      of: trainee
      only_if: { state: "{{ trainee.state }}" }
      set: { state: trn_received }
      clear: [recommended_for_award_at, awarded_at, outcome_date]
verification:
  - id: dqt
    http: { api: dqt, get: "/v2/teachers/{{ trainee.trn }}" }
    is: dqt.body.qtsDate is none
`,
};

const project = {
  path: join(root, 'examples/register/trueup.yaml'),
  text: existsSync(join(root, 'examples/register/trueup.yaml')) ? readFileSync(join(root, 'examples/register/trueup.yaml'), 'utf8') : '',
};

let server;
let drafts = 0;
const cases = [];
const test = (name, run) => cases.push({ name, run });

function check(condition, message) {
  if (!condition) throw new Error(message);
}

const shown = (diagnostics) => diagnostics.map((d) => `    line ${d.range.start.line + 1}: ${d.message}`).join('\n') || '    (no diagnostics)';

/** Opens `text` beside the file `path` under a name of its own, which need not exist. */
async function openDraft(path, text) {
  drafts += 1;
  const draft = join(dirname(path), `draft-${drafts}.yaml`);
  return { draft, diagnostics: await server.open(draft, text) };
}

function replaced(text, from, to) {
  check(text.split(from).length === 2, `the base document must hold ${JSON.stringify(from)} once`);
  return text.replace(from, () => to);
}

/** The document with `from` replaced by `to` has a diagnostic on the line where `to` starts, and it speaks of `says`. */
function refuses(name, document, from, to, says) {
  test(name, async () => {
    const text = replaced(document.text, from, to);
    const line = text.slice(0, text.indexOf(to) + to.search(/\S/)).split('\n').length - 1;
    const { diagnostics } = await openDraft(document.path, text);
    const hit = diagnostics.some((d) => d.range.start.line === line && d.message.includes(says));
    check(hit, `expected a diagnostic about ${says} on line ${line + 1}, found\n${shown(diagnostics)}`);
  });
}

/** With `from` replaced by `to`, an editor offers all of `wanted` and none of `unwanted` at the place marked ▮. */
function offers(name, document, from, to, wanted, unwanted = []) {
  test(name, async () => {
    const marked = replaced(document.text, from, to);
    const before = marked.slice(0, marked.indexOf('▮')).split('\n');
    const position = { line: before.length - 1, character: before.at(-1).length };
    const { draft } = await openDraft(document.path, marked.replace('▮', ''));
    const labels = await server.completions(draft, position);
    const missing = wanted.filter((label) => !labels.includes(label));
    const odd = unwanted.filter((label) => labels.includes(label));
    check(missing.length === 0, `not offered: ${missing.join(', ')}; offered: ${labels.join(', ')}`);
    check(odd.length === 0, `should not be offered: ${odd.join(', ')}; offered: ${labels.join(', ')}`);
  });
}

/** Each key of the document explains itself: the text comes from the doc comment of the Rust type. */
function explains(name, document, key) {
  test(name, async () => {
    const before = document.text.slice(0, document.text.indexOf(key)).split('\n');
    const { draft } = await openDraft(document.path, document.text);
    const text = await server.hover(draft, { line: before.length - 1, character: before.at(-1).length + 1 });
    const words = text.replace(/^Source:.*$/m, '').trim().split(/\s+/).length;
    check(words >= 4, `the hover text of ${key.trim()} is ${JSON.stringify(text)}`);
  });
}

function yamlFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true }).map((name) => join(root, folder, name)).filter((path) => path.endsWith('.yaml')).sort();
}

// --- the documents themselves
for (const name of ['playbook', 'project', 'test']) {
  test(`schema/${name}.schema.json is there and is draft 2020-12`, () => {
    const schema = JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8'));
    check(schema.$schema === 'https://json-schema.org/draft/2020-12/schema', `$schema is ${schema.$schema}`);
  });
}
test('the document that the cases below change has no diagnostics', async () => {
  const { diagnostics } = await openDraft(playbook.path, playbook.text);
  check(diagnostics.length === 0, `found\n${shown(diagnostics)}`);
});
test('playbooks are shipped', () => check(yamlFiles('playbooks').length > 0, 'no file under playbooks/'));
for (const path of [...yamlFiles('playbooks'), ...yamlFiles('examples')]) {
  const text = readFileSync(path, 'utf8');
  const named = modeline.exec(text);
  const mustName = (path.startsWith(join(root, 'playbooks')) && !path.endsWith('.mock.yaml')) || path.endsWith('/trueup.yaml');
  if (!named && !mustName) continue; // an API mock, for instance, has no schema
  test(`${relative(root, path)} has no diagnostics`, async () => {
    check(named, 'the first line must be `# yaml-language-server: $schema=…`');
    check(existsSync(resolve(dirname(path), named[1])), `the schema ${named[1]} is not there`);
    const diagnostics = await server.open(path, text);
    check(diagnostics.length === 0, `found\n${shown(diagnostics)}`);
  });
}

// --- mistakes in a playbook
refuses('a typo in a top-level key', playbook, '\npreconditions:', '\nprecondition:', 'precondition');
refuses('a typo in the kind of a step', playbook, '    ask:\n', '    aks:\n', 'aks');
refuses('a typo in a key of an action', playbook, '      only_if:', '      onlyif:', 'onlyif');
refuses('a typo in a key of a read', playbook, 'expect: one', 'expects: one', 'expects');
refuses('a typo in a key of a param', playbook, "pattern: ", "patern: ", 'patern');
refuses('a typo in an end', playbook, 'otherwise: "No trainee has the slug {{ params.slug }}."', 'otherwise: { stpo: "No trainee." }', 'stpo');
refuses('two kinds in one step', playbook, '  - id: clear_award\n', '  - http: { api: dqt, get: /v2/x }\n    id: clear_award\n', '');
refuses('a wrong risk', playbook, 'risk: high', 'risk: hihg', 'high');
refuses('a wrong type of param', playbook, 'slug: { type: string', 'slug: { type: strin', 'string');
refuses('a version that is text', playbook, 'version: 1', 'version: one', '');
refuses('a language that does not exist', playbook, 'trueup: v1', 'trueup: v9', 'v1');
refuses('a key that is there twice', playbook, '\nparams:', '\nrisk: low\nparams:', 'unique');
refuses('columns to clear that are no list', playbook, 'clear: [recommended_for_award_at, awarded_at, outcome_date]', 'clear: 7', '');

// --- completion and hover in a playbook
const newStep = '  - id: clear_award\n    ▮\n  - id: clear_award_2\n    row:';
offers('a new step is offered its kinds', playbook, '  - id: clear_award\n    row:', newStep, ['row', 'rows', 'http', 'ask', 'tell', 'sql', 'assert', 'block', 'when']);
offers('a step that has its kind is offered the keys of all steps', playbook, '\nverification:', '\n    ▮\nverification:', ['when'], ['row', 'id']);
offers('inside `row`, its keys', playbook, '      of: trainee\n', '      of: trainee\n      ▮\n', ['table', 'key', 'create', 'also'], ['of', 'set', 'question']);
offers('inside `ask`, its keys', playbook, '      who: register-support\n', '      ▮\n', ['who'], ['of', 'set']);
offers('at the top, the parts of a playbook', playbook, 'risk: high\n', '▮\n', ['risk', 'uses', 'errors', 'afterwards'], ['row', 'steps']);
offers('the values of `risk`', playbook, 'risk: high', 'risk: ▮', ['low', 'medium', 'high']);
offers('the types of a param', playbook, 'slug: { type: string', 'slug: { type: ▮', ['string', 'int', 'decimal', 'date', 'uuid', 'enum']);
explains('a hover over `risk`', playbook, 'risk: high');
explains('a hover over `only_if`', playbook, 'only_if: ');
explains('a hover over `ask`', playbook, 'ask:\n');

// --- the project file of the sandbox
refuses('a typo in a key of the project file', project, '\nconnections:', '\nconections:', 'conections');
offers('at the top, the parts of a project file', project, '\nconnections:', '\n▮\nconnections:', ['audits'].filter((key) => !project.text.includes(`\n${key}:`)), ['row', 'connections']);
explains('a hover over `connections`', project, 'connections:');

const started = Date.now();
server = await LanguageServer.start(root);
let failed = 0;
for (const { name, run } of cases) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.message}`);
  }
}
await server.stop();
console.log(`${cases.length - failed} passed, ${failed} failed (${Date.now() - started} ms)`);
process.exitCode = failed === 0 ? 0 : 1;
