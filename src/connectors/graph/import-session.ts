import { base64Length } from '#formats/text/base64.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { FolderId, Version } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import { type GraphClient, type IdKind, immutableIds, objectOf } from './graph-client.ts';
import { textAt } from './json.ts';

/** Whole bodies of requests (FACTS of the service: 4 MB; whether imports may be larger is documented nowhere). */
export const requestBytesMax = 4 * 1024 * 1024;
/** A session is not used for what would arrive when it is over. */
const marginMs = 60_000;
/** Life of a session that does not say when it ends. */
const assumedLifeMs = 10 * 60_000;

export interface ImportSessionOptions {
  readonly client: GraphClient;
  readonly address: string;
  readonly clock: Clock;
  readonly mailboxId: (context: Context) => Promise<string>;
  /** Hosts that may be sent what is imported. */
  readonly isImportHost: (host: string) => boolean;
  readonly requestBytesMax: number;
}

/** An item as a stream, to be made or to replace another. */
export interface Import {
  readonly folder: FolderId;
  readonly stream: Payload;
  readonly ids: IdKind;
  /** Null: a new item. */
  readonly replaces: { readonly serverId: string; readonly changeKey: string } | null;
}

export interface Imported {
  /** In the form of the import API, which need not be the one that survives moves. */
  readonly serverId: string;
  readonly changeKey: Version;
}

interface Session {
  readonly url: URL;
  readonly untilMs: number;
}

/**
 * Imports of one mailbox: one session, kept until it ends (GDOC `concepts/import-exchange-mailbox-item.md`). The address of a session
 * carries its authorization, so it is held here, and nothing that is thrown or counted names it.
 */
export class ImportSession {
  readonly #options: ImportSessionOptions;
  #session: Promise<Session> | null = null;

  constructor(options: ImportSessionOptions) {
    this.#options = options;
  }

  /** Bytes by which the request of an import would be over the limit; 0 or less: it fits. */
  excessOf(item: Import): number {
    return headOf(item).length + base64Length(item.stream.sizeBytes) + tail.length - this.#options.requestBytesMax;
  }

  /** Throws FaultError `redirect` unless what carries its own authorization may be sent there. */
  requireHost(url: URL): void {
    if (!this.#options.isImportHost(url.hostname)) throw new FaultError(strangeHost(url));
  }

  /** What became of one import; faults that concern more than the item are thrown. */
  async put(item: Import, context: Context): Promise<Imported | Fault> {
    const head = headOf(item);
    const max = this.#options.requestBytesMax;
    const bytes = head.length + base64Length(item.stream.sizeBytes) + tail.length;
    if (bytes > max) return tooLarge(bytes, max);
    const chunks: Uint8Array[] = [head];
    for await (const chunk of item.stream.base64()) chunks.push(chunk);
    const body = Buffer.concat([...chunks, tail]);
    // An old session may have ended on the way: a refusal for that reason means that nothing was done, so once more is no second time.
    for (let attempt = 1; ; attempt++) {
      const session = await this.#open(context);
      try {
        return await this.#send(session, item, body, context);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        const { fault } = error;
        if (fault.kind === 'poison' || fault.kind === 'gone' || fault.kind === 'stale') return fault;
        const isRefused = fault.kind === 'fatal' && (fault.code === 'auth' || fault.code === 'access-denied');
        if (!isRefused) throw error;
        this.#session = null;
        if (attempt > 1) throw new FaultError({ ...fault, detail: `${fault.detail} (a new import session, too)` });
      }
    }
  }

  async #send(session: Session, { replaces, ids }: Import, body: Buffer, context: Context): Promise<Imported | Fault> {
    const { client, address } = this.#options;
    const { body: answer } = await client.sendPreauthorized(
      {
        method: 'POST',
        url: session.url,
        name: 'importItem',
        subject: { writes: true, about: 'item' },
        headers: { 'content-type': 'application/json', ...(ids === 'lasting' ? { prefer: immutableIds } : {}) },
        body,
      },
      address,
      context,
    );
    const written = objectOf(answer, 'importItem');
    const [serverId, changeKey] = [textAt(written, 'itemId'), textAt(written, 'changeKey')];
    if ((serverId ?? replaces?.serverId ?? null) === null || changeKey === null)
      return { kind: 'transient', detail: 'importItem answered without an id', mayHaveHappened: true };
    return { serverId: serverId ?? replaces?.serverId ?? '', changeKey: changeKey as Version };
  }

  /** The session of now, or a new one; whoever comes meanwhile waits for the same. */
  async #open(context: Context): Promise<Session> {
    const known = this.#session;
    if (known !== null) {
      const session = await known.catch(() => null);
      if (session !== null && this.#options.clock.nowMs() < session.untilMs) return session;
      if (this.#session !== known && this.#session !== null) return this.#session;
    }
    const opening = this.#create(context);
    this.#session = opening;
    opening.catch(() => {
      if (this.#session === opening) this.#session = null;
    });
    return opening;
  }

  async #create(context: Context): Promise<Session> {
    const { client, address, clock, mailboxId } = this.#options;
    const id = await mailboxId(context);
    const answer = await client.call(
      {
        method: 'POST',
        path: `/admin/exchange/mailboxes/${encodeURIComponent(id)}/createImportSession`,
        name: 'createImportSession',
        // Opening one writes nothing, so it may be asked for again.
        subject: { writes: false, about: 'mailbox' },
      },
      address,
      context,
    );
    const [link, until] = [textAt(answer, 'importUrl'), textAt(answer, 'expirationDateTime')];
    if (link === null || !URL.canParse(link))
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: 'createImportSession answered without an address for the import',
      });
    const url = new URL(link);
    this.requireHost(url);
    const endsMs = until === null ? Number.NaN : Date.parse(until);
    const untilMs = Number.isNaN(endsMs) ? clock.nowMs() + assumedLifeMs : endsMs - marginMs;
    return { url, untilMs };
  }
}

/** What stands before the stream, whose base64 needs no escapes in JSON. */
function headOf({ folder, replaces }: Import): Buffer {
  const mode =
    replaces === null
      ? { FolderId: folder, Mode: 'create' }
      : { FolderId: folder, Mode: 'update', ItemId: replaces.serverId, ChangeKey: replaces.changeKey };
  return Buffer.from(`${JSON.stringify(mode).slice(0, -1)},"Data":"`, 'utf8');
}
const tail = Buffer.from('"}', 'latin1');

const tooLarge = (bytes: number, max: number): Fault => ({
  kind: 'poison',
  reason: 'too-large',
  detail: `its import would be a request of ${bytes} bytes; Exchange Online takes ${max}`,
});

const strangeHost = ({ hostname }: URL): Fault => ({
  kind: 'fatal',
  code: 'redirect',
  detail: `imports are to be sent to ${hostname}, which the project file does not name. If it belongs to the service, add it to redirectHosts, and let it through proxies and allow lists`,
});
