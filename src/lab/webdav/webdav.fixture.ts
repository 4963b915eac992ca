import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import { must } from '#kit/assert.ts';
import { createLab, type Lab, type LabOptions, type LabParts } from '../lab.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly text: string;
}

/** Exchange 2003 without sockets, and somebody who is signed in to it. */
export class Dav {
  readonly lab: Lab;
  readonly organization: Organization;
  readonly mailbox: Mailbox;
  readonly origin: string;
  readonly base: string;
  #authorization: string;

  constructor(options: Partial<LabOptions> = {}, at = 0, parts?: LabParts) {
    this.lab = createLab(
      { organizations: [{ name: 'source', version: '2003' }], items: 30, mailboxes: 2, ...options },
      parts,
    );
    this.organization = this.lab.world.organization('source');
    this.origin = 'https://mail.source.test';
    const entry = must(this.organization.mailboxes[at], 'a mailbox');
    this.mailbox = must(this.organization.mailbox(entry.address), 'a mailbox');
    this.base = `/exchange/${entry.address.slice(0, entry.address.indexOf('@'))}`;
    this.#authorization = basic(entry.user, entry.password);
  }

  signInAs(user: string, password: string): void {
    this.#authorization = basic(user, password);
  }

  /** @param headers `authorization` empty: none is sent. */
  async ask(
    method: string,
    path: string,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer } = {},
  ): Promise<Answer> {
    const { headers = {}, body = '' } = options;
    const sent: Record<string, string> = { authorization: this.#authorization, ...headers };
    if (sent['authorization'] === '') delete sent['authorization'];
    const answer = await this.lab.handle(
      {
        method,
        path,
        headers: sent,
        body: (async function* () {
          yield Buffer.from(body);
        })(),
        signal: new AbortController().signal,
      },
      { id: 1, origin: this.origin, endPoint: null, challenge: null, signedIn: null },
    );
    const chunks: Uint8Array[] = [];
    if (answer.body instanceof Uint8Array) chunks.push(answer.body);
    else for await (const chunk of answer.body) chunks.push(chunk);
    answer.done(true);
    return { status: answer.status, headers: answer.headers, text: Buffer.concat(chunks).toString() };
  }

  search(path: string, sql: string, headers: Readonly<Record<string, string>> = {}, more = ''): Promise<Answer> {
    const escaped = sql.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const body = `<?xml version="1.0"?><d:searchrequest xmlns:d="DAV:" xmlns:R="http://schemas.microsoft.com/repl/">${more}<d:sql>${escaped}</d:sql></d:searchrequest>`;
    return this.ask('SEARCH', path, { headers: { 'content-type': 'text/xml', ...headers }, body });
  }

  propfind(path: string, props: string, headers: Readonly<Record<string, string>> = { depth: '0' }): Promise<Answer> {
    return this.ask('PROPFIND', path, {
      headers,
      body: `<D:propfind xmlns:D="DAV:" ${prefixes}><D:prop>${props}</D:prop></D:propfind>`,
    });
  }

  proppatch(path: string, set: string, remove = '', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask('PROPPATCH', path, {
      headers,
      body: `<D:propertyupdate xmlns:D="DAV:" ${prefixes}>${set === '' ? '' : `<D:set><D:prop>${set}</D:prop></D:set>`}${remove === '' ? '' : `<D:remove><D:prop>${remove}</D:prop></D:remove>`}</D:propertyupdate>`,
    });
  }
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const prefixes = [
  ['h', 'urn:schemas:httpmail:'],
  ['m', 'urn:schemas:mailheader:'],
  ['c', 'urn:schemas:calendar:'],
  ['k', 'urn:schemas:contacts:'],
  ['e', 'http://schemas.microsoft.com/exchange/'],
  ['r', 'http://schemas.microsoft.com/repl/'],
  ['t', 'http://schemas.microsoft.com/mapi/proptag/'],
  ['a', 'http://schemas.microsoft.com/mapi/id/{00062002-0000-0000-c000-000000000046}/'],
  ['o', 'http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-c000-000000000046}/'],
  ['g', 'http://schemas.microsoft.com/mapi/id/{00062004-0000-0000-c000-000000000046}/'],
  ['s', 'http://schemas.microsoft.com/mapi/id/{00062003-0000-0000-c000-000000000046}/'],
  ['dt', 'urn:schemas-microsoft-com:datatypes'],
]
  .map(([prefix, ns]) => `xmlns:${prefix}="${ns}"`)
  .join(' ');

/** One response of a multistatus: its address, the properties of its 200, the names of its 404. */
export interface Read {
  readonly href: string;
  readonly status: string | null;
  readonly changeType: string | null;
  readonly found: Readonly<Record<string, string | readonly string[]>>;
  readonly missing: readonly string[];
  readonly refused: readonly string[];
}

const child = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((one) => one.name === name);

/** Reads a 207; digits at the beginning of names are escaped first, since they are no XML. */
export function readMultistatus(text: string): readonly Read[] {
  const { root } = parseXmlBytes(text.replace(/<(\/?)([a-zA-Z]):(\d)/g, '<$1$2:_x003$3_'));
  return root.children
    .filter(({ name }) => name === 'response')
    .map((response) => {
      const found: Record<string, string | readonly string[]> = {};
      const missing: string[] = [];
      const refused: string[] = [];
      for (const propstat of response.children.filter(({ name }) => name === 'propstat')) {
        const [status, prop] = propstat.children;
        if (status?.name !== 'status' || prop?.name !== 'prop') throw new Error('status comes before prop');
        const code = status.text.split(' ')[1];
        for (const one of prop.children) {
          const values = one.children.filter(({ name }) => name === 'v').map((value) => value.text);
          if (code === '200') found[one.name] = values.length > 0 ? values : one.text;
          else if (code === '404') missing.push(one.name);
          else refused.push(`${one.name} ${code}`);
        }
      }
      return {
        href: child(response, 'href')?.text ?? '',
        status: child(response, 'status')?.text ?? null,
        changeType: child(response, 'changetype')?.text ?? null,
        found,
        missing,
        refused,
      };
    });
}
