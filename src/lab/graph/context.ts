import type { FaultPoint, FaultSpec } from '../seams.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { GraphError, noSegment } from './graph-error.ts';
import type { GraphState } from './graph-state.ts';
import type { Query } from './odata-query.ts';
import type { GraphCaller } from './permissions.ts';
import { folderById, idOfItem, itemById } from './rest-ids.ts';

/** `Prefer` of a request. RFC 7240; (FACTS §4: odata.maxpagesize, IdType) */
export interface Preferences {
  readonly immutableIds: boolean;
  readonly maxPageSize: number | null;
  readonly bodyType: 'text' | 'html' | null;
  /** Windows or IANA name of the zone in which times of events are shown. */
  readonly timeZone: string | null;
}

function readPreferences(header: string): Preferences {
  const value = (name: string): string | null => {
    const match = new RegExp(`(?:^|[,;]\\s*)${name}\\s*=\\s*(?:"([^"]*)"|([^,;\\s]+))`, 'i').exec(header);
    return match === null ? null : (match[1] ?? match[2] ?? null);
  };
  const size = Number(value('odata\\.maxpagesize') ?? Number.NaN);
  const body = value('outlook\\.body-content-type')?.toLowerCase();
  return {
    immutableIds: value('IdType')?.toLowerCase() === 'immutableid',
    maxPageSize: Number.isInteger(size) && size > 0 ? Math.min(size, 1000) : null,
    bodyType: body === 'text' || body === 'html' ? body : null,
    timeZone: value('outlook\\.timezone'),
  };
}

/** One request, on behalf of an application. */
export class Context {
  readonly organization: Organization;
  readonly state: GraphState;
  readonly caller: GraphCaller;
  readonly version: 'v1.0' | 'beta';
  /** `https://graph.target.test`: how the client reached us; links in answers begin with it. */
  readonly origin: string;
  /** The same for URLs of the other host. */
  readonly outlookOrigin: string;
  /** Path without query, below the version. */
  readonly path: string;
  readonly query: Query;
  readonly prefer: Preferences;
  readonly headers: Readonly<Record<string, string>>;
  /** Read whole. */
  readonly body: Buffer;
  readonly operation: string;
  readonly #mailbox: Mailbox | null;

  constructor(init: {
    readonly organization: Organization;
    readonly state: GraphState;
    readonly caller: GraphCaller;
    readonly version: 'v1.0' | 'beta';
    readonly origin: string;
    readonly outlookOrigin: string;
    readonly path: string;
    readonly query: Query;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer;
    readonly operation: string;
    readonly mailbox: Mailbox | null;
  }) {
    this.organization = init.organization;
    this.state = init.state;
    this.caller = init.caller;
    this.version = init.version;
    this.origin = init.origin;
    this.outlookOrigin = init.outlookOrigin;
    this.path = init.path;
    this.query = init.query;
    this.prefer = readPreferences(init.headers['prefer'] ?? '');
    this.headers = init.headers;
    this.body = init.body;
    this.operation = init.operation;
    this.#mailbox = init.mailbox;
  }

  get nowMs(): number {
    return this.organization.world.surroundings.clock.nowMs();
  }
  get immutable(): boolean {
    return this.prefer.immutableIds;
  }
  /** The mailbox that the path names. */
  get mailbox(): Mailbox {
    if (this.#mailbox === null) throw noSegment(this.path);
    return this.#mailbox;
  }

  /** Whose hand writes. An application has no name but its own. */
  hand(): Hand {
    return { caller: this.caller.clientId, displayName: this.#mailbox?.displayName ?? this.caller.clientId };
  }

  strike(point: FaultPoint): FaultSpec | null {
    return this.organization.world.surroundings.faults.strike(point, {
      organization: this.organization.name,
      mailbox: this.#mailbox?.address ?? null,
      operation: this.operation,
    });
  }

  /** The body as an object. @throws GraphError */
  json(): Readonly<Record<string, unknown>> {
    if (this.body.length === 0) return {};
    const type = this.headers['content-type'] ?? '';
    if (!/^\s*application\/json\b/i.test(type))
      throw new GraphError(
        415,
        'RequestBodyRead',
        'A supported MIME type could not be found that matches the content type of the message.',
      );
    let value: unknown;
    try {
      value = JSON.parse(this.body.toString('utf8'));
    } catch {
      throw new GraphError(
        400,
        'BadRequest',
        'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
      );
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new GraphError(400, 'BadRequest', 'Empty Payload. JSON content expected.');
    return value as Readonly<Record<string, unknown>>;
  }

  folder(id: string): Folder {
    return folderById(this.mailbox, id);
  }
  item(id: string): Item {
    return itemById(this.mailbox, id);
  }
  idOf(item: Item): string {
    return idOfItem(item, this.immutable);
  }

  /** `@odata.context` of an answer. */
  contextOf(tail: string): string {
    return `${this.origin}/${this.version}/$metadata#${tail}`;
  }
  /** `users('…')/` as answers have it. */
  get userTail(): string {
    return `users('${encodeURIComponent(this.mailbox.address)}')`;
  }
}
