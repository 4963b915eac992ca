import { parseXmlBytes, textOf, type XmlElement } from '#formats/text/xml-read.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { Caller, EndpointAnswer, EwsVersion, FaultPoint, FaultSpec, Faults } from '../seams.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { createWorld, type World, type WorldOptions } from '../world/world.ts';
import { ewsEndpoint } from './endpoint.ts';
import { declarations, soapNamespace } from './xml-out.ts';

/** Faults that strike always at the points named, and count. */
export function certainFaults(): Faults & { specs: readonly FaultSpec[] } {
  const counts = {} as Record<FaultPoint, number>;
  const faults = {
    specs: [] as readonly FaultSpec[],
    counts,
    strike(point: FaultPoint): FaultSpec | null {
      const spec = faults.specs.find((one) => one.point === point) ?? null;
      if (spec !== null) counts[point] = (counts[point] ?? 0) + 1;
      return spec;
    },
    set(specs: readonly FaultSpec[]): void {
      faults.specs = specs;
    },
  };
  return faults;
}

/** What came back for a request. */
export interface Reply {
  readonly status: number;
  readonly bytes: Buffer;
  readonly text: string;
  readonly root: XmlElement;
  /** Every ResponseCode, in order; of a fault, its one. */
  readonly codes: readonly string[];
  /** All elements of that local name. */
  all(name: string): readonly XmlElement[];
  one(name: string): XmlElement;
}

function* walk(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const inner of element.children) yield* walk(inner);
}

export async function bytesOf(answer: EndpointAnswer): Promise<Buffer> {
  if (answer.body instanceof Uint8Array) return Buffer.from(answer.body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function replyOf(status: number, bytes: Buffer): Reply {
  const root = bytes.length === 0 ? parseXmlBytes('<empty/>').root : parseXmlBytes(bytes).root;
  const everything = [...walk(root)];
  return {
    status,
    bytes,
    text: bytes.toString('utf8'),
    root,
    codes: everything.filter(({ name }) => name === 'ResponseCode').map(textOf),
    all: (name) => everything.filter((element) => element.name === name),
    one: (name) => {
      const found = everything.find((element) => element.name === name);
      if (found === undefined) throw new Error(`no <${name}> in ${bytes.toString('utf8').slice(0, 2000)}`);
      return found;
    },
  };
}

/** A world of one organization with an EWS endpoint, called without a network. */
export class EwsBench {
  readonly world: World;
  readonly faults = certainFaults();
  readonly organization: Organization;
  readonly version: EwsVersion;
  readonly #endpoint;
  /** Called with every envelope sent and received. */
  onEnvelope: ((kind: 'request' | 'answer', version: EwsVersion, bytes: Buffer) => void) | null = null;

  constructor(
    version: EwsVersion,
    options: Partial<WorldOptions> & {
      readonly clock?: Clock;
      readonly organization?: Partial<WorldOptions['organizations'][number]>;
    } = {},
  ) {
    this.version = version;
    const { clock, organization, ...rest } = options;
    this.world = createWorld({
      organizations: [{ name: 'contoso', version, domain: 'contoso.test', ...organization }],
      mailboxes: 3,
      items: 0,
      seed: 1,
      surroundings: { clock: clock ?? systemClock, random: seededRandom(1), faults: this.faults },
      ...rest,
    });
    const [first] = this.world.organizations;
    if (first === undefined) throw new Error('one organization');
    this.organization = first;
    this.#endpoint = ewsEndpoint(this.world, first.name);
  }

  get requestVersion(): string {
    return {
      '2007': 'Exchange2007_SP1',
      '2010': 'Exchange2010_SP2',
      '2013': 'Exchange2013_SP1',
      '2016': 'Exchange2016',
      se: 'V2017_07_11',
    }[this.version];
  }

  mailbox(index = 0): Mailbox {
    const entry = this.organization.mailboxes[index];
    const mailbox = entry === undefined ? null : this.organization.mailbox(entry.address);
    if (mailbox === null) throw new Error('no such mailbox');
    return mailbox;
  }

  envelope(body: string, options: { readonly version?: string | null; readonly header?: string } = {}): Buffer {
    const version = options.version === undefined ? this.requestVersion : options.version;
    const header = `${version === null ? '' : `<t:RequestServerVersion Version="${version}"/>`}${options.header ?? ''}`;
    return Buffer.from(
      `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="${soapNamespace}" ${declarations}><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
    );
  }

  async raw(
    bytes: Buffer,
    caller: Caller,
    headers: Readonly<Record<string, string>> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<EndpointAnswer> {
    return await this.#endpoint.handle({
      caller,
      method: 'POST',
      path: '/EWS/Exchange.asmx',
      headers: { 'content-type': 'text/xml; charset=utf-8', ...headers },
      body: (async function* () {
        yield bytes;
      })(),
      connectionId: 1,
      signal,
    });
  }

  /** Sends a body as the owner of a mailbox (by number), or as somebody else. */
  async call(
    body: string,
    options: { readonly as?: number | Caller; readonly version?: string | null; readonly header?: string } = {},
  ): Promise<Reply> {
    const as = options.as ?? 0;
    const caller: Caller = typeof as === 'number' ? { user: this.mailbox(as).user, kind: 'person' } : as;
    const request = this.envelope(body, options);
    this.onEnvelope?.('request', this.version, request);
    const answer = await this.raw(request, caller);
    const bytes = await bytesOf(answer);
    if (bytes.length > 0) this.onEnvelope?.('answer', this.version, bytes);
    return replyOf(answer.status, bytes);
  }

  get admin(): Caller {
    return { user: this.organization.admin.user, kind: 'admin' };
  }
}
