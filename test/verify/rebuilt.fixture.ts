import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';

/**
 * Messages rendered anew, and read, by libraries that verify does not use: taken apart by the splitter inside `mailparser`, put
 * together by `nodemailer`. Every part survives; boundaries, transfer encodings, charsets, folding and the forms of header texts do not.
 */

interface SplitNode {
  readonly type: 'node';
  readonly parentNode: SplitNode | false;
  readonly multipart: string | false;
  readonly contentType: string | false;
  readonly charset: string | false;
  readonly disposition: string | false;
  readonly filename: string | false;
  readonly headers: { getList(): readonly { readonly key: string; readonly line: string }[] };
  getDecoder(): Writable & AsyncIterable<Buffer>;
}
type SplitChunk = SplitNode | { readonly type: 'body' | 'data'; readonly value: Buffer; readonly node?: SplitNode };
interface Splitting {
  readonly Splitter: new (options: object) => Writable & AsyncIterable<SplitChunk>;
}
interface BuiltNode {
  createChild(type: string): BuiltNode;
  setHeader(key: string, value: unknown): BuiltNode;
  addHeader(key: string, value: unknown): BuiltNode;
  setContent(content: string | Buffer): BuiltNode;
  build(): Promise<Buffer>;
}

const require = createRequire(import.meta.url);
const { Splitter } = createRequire(require.resolve('mailparser'))('@zone-eu/mailsplit') as Splitting;
const libmime = createRequire(require.resolve('mailparser'))('libmime') as { decodeWords(text: string): string };
const writing = require('nodemailer/lib/mime-funcs') as {
  encodeWords(text: string, encoding: 'Q' | 'B', wordMax: number): string;
  foldLines(line: string, width: number): string;
};
const BuildNode = require('nodemailer/lib/mime-node') as new (type: string, options: object) => BuiltNode;

interface Part {
  readonly node: SplitNode;
  readonly children: Part[];
  readonly body: Buffer[];
}

async function split(mime: Buffer): Promise<Part | null> {
  const splitter = new Splitter({ ignoreEmbedded: true, maxHeadSize: 1 << 24 });
  const parts = new Map<SplitNode, Part>();
  let root: Part | null = null;
  splitter.end(mime);
  for await (const chunk of splitter) {
    if (chunk.type === 'node') {
      const part: Part = { node: chunk, children: [], body: [] };
      parts.set(chunk, part);
      root ??= part;
      if (chunk.parentNode) parts.get(chunk.parentNode)?.children.push(part);
    } else if (chunk.type === 'body' && chunk.node) parts.get(chunk.node)?.body.push(chunk.value);
  }
  return root;
}

async function decoded(part: Part): Promise<Buffer> {
  const decoder = part.node.getDecoder();
  decoder.end(Buffer.concat(part.body));
  const chunks: Buffer[] = [];
  for await (const chunk of decoder) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Text by the decoder that Node ships; null where it does not know the charset or the bytes are none of it. */
function textOf(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

export async function rebuilt(mime: Buffer): Promise<Buffer> {
  const root = await split(mime);
  if (!root) return mime;
  const top = new BuildNode(root.node.contentType || 'text/plain', { keepBcc: true });
  await render(root, top);
  const built = await top.build();
  // The builder makes the structure; the other headers are written by it one by one.
  const end = built.indexOf('\r\n\r\n');
  const structure = built
    .toString('latin1', 0, end)
    .split(/\r\n(?![ \t])/)
    .filter((line) => /^(?:content-|mime-version)/i.test(line));
  const headers = linesOf(root.node).flatMap(({ name, key, value }) =>
    structural.test(key) ? [] : [rendered(name, key, value)],
  );
  return Buffer.concat([Buffer.from([...headers, ...structure].join('\r\n'), 'latin1'), built.subarray(end)]);
}

const structural = /^(?:content-(?:type|transfer-encoding|disposition|id|length)|mime-version|lines)$/;
const ascii = /^[\x20-\x7e\t]*$/;

function linesOf(node: SplitNode): readonly { readonly name: string; readonly key: string; readonly value: string }[] {
  return node.headers.getList().flatMap(({ key, line }) => {
    const colon = line.indexOf(':');
    const value = line
      .slice(colon + 1)
      .replace(/\r?\n(?=[ \t])/g, '')
      .trim();
    return colon > 0 ? [{ name: line.slice(0, colon), key, value }] : [];
  });
}

/** Folded anew; a subject is read by one library and written by the other, as encoded words of its own. */
function rendered(name: string, key: string, value: string): string {
  if (!ascii.test(value)) return `${name}: ${value}`;
  const text =
    key === 'subject' && /=\?(?:utf-8|iso-8859-1)\?/i.test(value)
      ? writing.encodeWords(libmime.decodeWords(value), 'B', 52)
      : value;
  return writing.foldLines(`${name}: ${text}`, 60);
}

async function render(part: Part, into: BuiltNode): Promise<void> {
  const { node } = part;
  const lines = linesOf(node);
  const typeValue = lines.find(({ key }) => key === 'content-type')?.value ?? 'text/plain';
  for (const { name, key, value } of lines)
    if (key === 'content-disposition' || key === 'content-id') into.addHeader(name, { prepared: true, value });
  if (node.multipart && part.children.length > 0) {
    into.setHeader('Content-Type', typeValue.replace(/;\s*boundary\*?=("[^"]*"|[^;\s]*)/gi, ''));
    for (const child of part.children) await render(child, into.createChild(child.node.contentType || 'text/plain'));
    return;
  }
  const content = await decoded(part);
  const simple = /^text\/plain(?:; *charset="?[\w.-]+"?)?$/i.test(typeValue) && node.disposition !== 'attachment';
  const text = simple ? textOf(content, node.charset || '') : null;
  if (text === null) into.setHeader('Content-Type', { prepared: true, value: typeValue });
  // Text is written as UTF-8, whatever it was.
  else into.setHeader('Content-Type', 'text/plain; charset=utf-8');
  into.setContent(text ?? content);
}

/** What another reader sees of a message: one line for each part that shows something. Evidence of a loss, when two of these differ. */
export async function readByOthers(mime: Buffer): Promise<readonly string[]> {
  const root = await split(mime);
  const seen: string[] = [];
  const visit = async (part: Part): Promise<void> => {
    const { node } = part;
    if (node.multipart && part.children.length > 0) {
      if (node.multipart === 'signed') seen.push('signed');
      for (const child of part.children) await visit(child);
      return;
    }
    const bytes = await decoded(part);
    const text =
      node.contentType !== false && node.contentType.startsWith('text/')
        ? (textOf(bytes, node.charset || '') ?? textOf(bytes, 'windows-1252'))
        : null;
    const content =
      text === null ? bytes.toString('latin1').replace(/\r/g, '') : text.replace(/\r/g, '').replace(/\n+$/, '');
    if (content === '' && !node.filename) return;
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const type = node.contentType === false || !node.contentType.includes('/') ? 'text/plain' : node.contentType;
    const isFile = !type.startsWith('text/') || node.disposition === 'attachment' || Boolean(node.filename);
    seen.push([type, isFile ? 'file' : 'text', node.filename || '', hash].join(' '));
  };
  if (root) await visit(root);
  return seen;
}
