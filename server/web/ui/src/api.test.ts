// Holds the hand-written types against the server's own description (docs/ref/openapi.json, which a test of the server keeps true): names,
// optionality, nulls, words. What the console reads must be promised; what it sends must be enough.
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { apiOf, type Api } from './api';
import { API, type Transport } from './transport';

type Schema = { type?: string | string[]; $ref?: string; allOf?: Schema[]; oneOf?: Schema[]; properties?: Record<string, Schema>; required?: string[]; items?: Schema; enum?: unknown[]; additionalProperties?: Schema };
const described = JSON.parse(readFileSync('../../../docs/ref/openapi.json', 'utf8')) as { paths: Record<string, Record<string, unknown>>; components: { schemas: Record<string, Schema> } };

/** Follows references and joins what is said in parts; `nullable` when null is among it. */
function plain(of: Schema): Omit<Schema, 'type'> & { type: string; nullable: boolean } {
  if (of.$ref) {
    const named = described.components.schemas[of.$ref.split('/').at(-1) ?? ''];
    if (!named) throw new Error(`${of.$ref} leads nowhere`);
    return plain(named);
  }
  if (of.allOf) {
    const parts = of.allOf.map(plain);
    return { type: 'object', nullable: false, properties: Object.assign({}, ...parts.map((p) => p.properties)) as Record<string, Schema>, required: parts.flatMap((p) => p.required ?? []) };
  }
  if (of.oneOf) {
    const said = of.oneOf.filter((o) => o.type !== 'null').map(plain);
    return { type: 'any', ...said[0], nullable: said.length < of.oneOf.length };
  }
  const types = [of.type ?? []].flat();
  return { ...of, type: types.find((t) => t !== 'null') ?? 'any', nullable: types.includes('null') };
}

const program = ts.createProgram(['src/api.ts'], { strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts'], types: [], noEmit: true });
const checker = program.getTypeChecker(), source = program.getSourceFile('src/api.ts')!;
const typeOf = (name: string): ts.Type => {
  const found = checker.getExportsOfModule(checker.getSymbolAtLocation(source)!).find((s) => s.name === name);
  if (!found) throw new Error(`api.ts has no type ${name}`);
  return checker.getDeclaredTypeOfSymbol(found);
};
const parts = (of: ts.Type): ts.Type[] => (of.isUnion() ? of.types : [of]);
const has = (of: ts.Type, flag: ts.TypeFlags) => parts(of).some((t) => t.flags & flag);

/** What may be sent in part and is always answered whole. */
const WHOLE = /\/(Scope|WebSettings)$/;

/** Says every place where a type and what is described of it differ. */
function differences(at: string, of: ts.Type, schema: Schema, sent: boolean): string[] {
  const s = plain(schema), said: string[] = [];
  if (of.flags & ts.TypeFlags.Unknown) return [];
  const isNull = has(of, ts.TypeFlags.Null);
  if (sent ? isNull && !s.nullable : s.nullable && !isNull) said.push(`${at}: null is ${s.nullable ? 'possible' : 'impossible'}`);
  const rest = parts(of).filter((t) => !(t.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)));
  if (s.enum && rest.every((t) => t.isStringLiteral())) {
    const words = rest.map((t) => (t as ts.StringLiteralType).value);
    for (const word of s.enum) if (!sent && !words.includes(String(word))) said.push(`${at}: the word ${String(word)} is not known`);
    for (const word of words) if (!s.enum.includes(word)) said.push(`${at}: the word ${word} does not exist`);
    return said;
  }
  const flag = { string: ts.TypeFlags.StringLike, number: ts.TypeFlags.NumberLike, integer: ts.TypeFlags.NumberLike, boolean: ts.TypeFlags.BooleanLike }[s.type];
  if (flag) return rest.some((t) => t.flags & flag) ? said : [...said, `${at}: is a ${s.type}`];
  const one = rest[0];
  if (!one || s.type === 'any') return said;
  if (s.type === 'array') {
    const item = checker.getIndexTypeOfType(one, ts.IndexKind.Number);
    return item && s.items ? [...said, ...differences(`${at}[]`, item, s.items, sent)] : [...said, `${at}: is a list`];
  }
  const values = checker.getIndexTypeOfType(one, ts.IndexKind.String);
  if (s.additionalProperties && values) return [...said, ...differences(`${at}{}`, values, s.additionalProperties, sent)];
  const known = s.properties ?? {}, required = new Set(s.required), mine = checker.getPropertiesOfType(one);
  for (const property of mine) {
    const name = property.name, field = known[name], optional = Boolean(property.flags & ts.SymbolFlags.Optional);
    if (!field) { said.push(`${at}.${name}: does not exist`); continue; }
    if (sent ? optional && required.has(name) : !optional && !required.has(name) && !WHOLE.test(schema.$ref ?? '')) said.push(`${at}.${name}: is ${required.has(name) ? 'wanted' : 'not always there'}`);
    said.push(...differences(`${at}.${name}`, checker.getTypeOfSymbol(property), field, sent));
  }
  if (sent) for (const name of required) if (!mine.some((p) => p.name === name)) said.push(`${at}.${name}: is wanted`);
  return said;
}
const ANSWERS = {
  SignInStep: 'SignInAnswer', Me: 'Me', Session: 'SessionInfo', Row: 'Row', Detail: 'Detail', RecordingsPage: 'RecordingPage', Count: 'Count', Timeline: 'Timeline', LedgerDay: 'LedgerDay',
  AuditPage: 'AuditPage', AuditCheck: 'AuditCheck', User: 'User', OneTimeLink: 'OneTimeLink', Interface: 'InterfaceInfo', Setup: 'Setup', Settings: 'Settings',
  ArchiveDays: 'ArchiveDays', KeepingPreview: 'KeepingPreview',
};
test.each(Object.entries(ANSWERS))('%s is what the server answers as %s', (mine, theirs) => { expect(differences(mine, typeOf(mine), { $ref: theirs }, false)).toEqual([]); });
test.each(Object.entries({ NewUser: 'NewUser', Settings: 'Settings', Scope: 'Scope', NewLocation: 'NewLocation', NewMedium: 'NewMedium', MediumText: 'MediumText', WishedChange: 'WishedChange', NewHold: 'NewHold', NewDestruction: 'NewDestruction' }))('%s is what the server takes as %s', (mine, theirs) => { expect(differences(mine, typeOf(mine), { $ref: theirs }, true)).toEqual([]); });

test('every route that the console asks is described', async () => {
  const asked: string[] = [];
  const note = (method: string, path: string) => { asked.push(`${method} ${path.split('?')[0] ?? ''}`); };
  const transport = {
    ask: (method: string, path: string) => { note(method, path); return Promise.resolve({ value: null, headers: new Headers() }); }, bytes: (path: string) => { note('GET', path); return Promise.resolve(new ArrayBuffer(0)); },
    take: (method: string, path: string) => { note(method, path); return Promise.resolve(new Blob()); }, url: (path: string) => { note('GET', path); return path; }, events: (path: string) => note('GET', path), socket: (path: string) => note('GET', path),
  } as unknown as Transport;
  const api = apiOf(transport) as unknown as Record<keyof Api, (...given: unknown[]) => unknown>;
  for (const ask of Object.values(api)) await ask('7', 'x', 'y');
  expect(asked.length).toBeGreaterThan(40);
  const fits = (route: string) => Object.entries(described.paths).some(([path, methods]) => route.split(' ')[0]!.toLowerCase() in methods && new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(API + route.split(' ')[1]));
  expect(asked.filter((route) => !fits(route))).toEqual([]);
});
