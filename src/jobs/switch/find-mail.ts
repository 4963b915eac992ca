import type { ChangePage, Mailbox } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { Cursor, FolderId, Side } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import { hash128 } from '#model/stamp.ts';
import type { SwitchServices } from './ports.ts';
import type { StepContext } from './step-work.ts';

/** Pages that are read before a search gives up: a mailbox of years has thousands, and what is looked for is new. */
const pagesMax = 400;

/** An id that is the same whenever this step of this switch is repeated, and differs from every other. */
export function messageIdOf({ services, run }: StepContext, what: string, from: string): string {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return `<causeway-${what}-${hash128(`${services.pair.id} ${run} ${what}`)}@${domain}>`;
}

/** Where a search looks: that of a step, or of a check. */
interface SearchContext extends Pick<StepContext, 'signal'> {
  readonly services: Pick<SwitchServices, 'pair' | 'store' | 'clock' | 'requestDeadlineMs'>;
}

/** The Inbox of one side, where mail with these ids is looked for: from where the feed of the pair's passes was last read. */
export class InboxSearch {
  readonly #box: Mailbox;
  readonly #context: SearchContext;
  readonly #side: Side;
  #inbox: FolderId | null = null;
  #cursor: Cursor | null = null;
  readonly #found = new Map<string, MailHead>();

  constructor(context: SearchContext, side: Side) {
    const { connector, address } = context.services.pair[side];
    this.#box = connector.mailbox(address);
    this.#context = context;
    this.#side = side;
  }

  /** What arrived since the last look is looked through. @returns those that were found so far, by id. */
  async look(wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, MailHead>> {
    const { services, signal } = this.#context;
    const call = () => ({ signal, deadlineMs: services.clock.monotonicMs() + services.requestDeadlineMs });
    if (this.#inbox === null) {
      const rows = await services.store.folders(services.pair.id);
      const row = rows.find(({ role }) => role === 'inbox');
      this.#inbox = row?.[this.#side] ?? (await this.#box.roles(call())).get('inbox') ?? null;
      this.#cursor = (this.#side === 'left' ? row?.leftCursor : row?.rightCursor) ?? null;
    }
    if (this.#inbox === null) return this.#found;
    for (let pages = 0; pages < pagesMax; pages++) {
      let page: ChangePage;
      try {
        page = await this.#box.changes(this.#inbox, this.#cursor, call());
      } catch (error) {
        if (!(error instanceof FaultError) || error.fault.kind !== 'cursor-lost' || this.#cursor === null) throw error;
        this.#cursor = null;
        continue;
      }
      for (const change of page.changes) {
        if (change.kind !== 'upsert') continue;
        const id = change.head.facts.internetMessageId;
        if (id !== null && wanted.has(id)) this.#found.set(id, change.head);
      }
      this.#cursor = page.cursor;
      if (page.complete) break;
    }
    return this.#found;
  }

  /** Takes mail of ours out again, recoverably. */
  async remove(heads: readonly MailHead[]): Promise<void> {
    const { services, signal } = this.#context;
    if (heads.length === 0) return;
    await this.#box.remove(
      heads.map(({ id, version }) => ({ id, expect: version, readReceiptRequested: false })),
      { signal, deadlineMs: services.clock.monotonicMs() + services.requestDeadlineMs },
    );
  }
}
