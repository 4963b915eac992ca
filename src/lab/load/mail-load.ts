import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { composeMime } from '../world/compose-mime.ts';
import { plainContent } from '../world/plain-content.ts';
import type { Outcome } from '../world/post-office.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import type { World } from '../world/world.ts';

/** One copy of a mail in a mailbox of the lab. */
export interface MailPlace {
  readonly organization: string;
  readonly mailbox: string;
  /** Role of the folder, or its name. */
  readonly folder: string;
}

/** A mail from outside, what transport did with it, and where it is now. */
export interface TrackedMail {
  readonly messageId: string;
  /** Address that it was sent to. */
  readonly to: string;
  readonly sentAtMs: number;
  readonly outcomes: readonly Pick<Outcome, 'atMs' | 'kind' | 'detail'>[];
  /** Copies in all mailboxes that were ever written to, deleted ones in Deleted Items too. */
  readonly places: readonly MailPlace[];
}

export interface MailLoadReport {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  /** Went to no organization of the lab. */
  readonly left: number;
  readonly isRunning: boolean;
}

const tickMs = 20;
const keptMax = 200_000;

/** Mail from outside at a steady rate to public addresses, to see that every one arrives somewhere, once. */
export class MailLoad {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #random: Random;
  #sent: { readonly messageId: string; readonly to: string; readonly sentAtMs: number }[] = [];
  #stop: AbortController | null = null;
  #number = 0;

  constructor(world: World, clock: Clock, random: Random) {
    this.#world = world;
    this.#clock = clock;
    this.#random = random;
  }

  /** Sends for so many seconds, each time to one of the addresses by lot. A run before it ends. */
  async run(load: {
    readonly to: readonly string[];
    readonly perSecond: number;
    readonly seconds: number;
  }): Promise<void> {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    const beganMs = this.#clock.monotonicMs();
    const due = (): number =>
      Math.min(load.seconds * load.perSecond, ((this.#clock.monotonicMs() - beganMs) / 1000) * load.perSecond);
    try {
      for (let done = 0; done < Math.floor(load.seconds * load.perSecond) && !stop.signal.aborted; ) {
        for (; done < due(); done++) this.deliver(load.to[this.#random.int(load.to.length)] ?? '');
        await this.#clock.sleep(tickMs, stop.signal);
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      if (this.#stop === stop) this.#stop = null;
    }
  }
  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  /** One mail from outside. @returns its Message-ID */
  deliver(to: string): string {
    const sentAtMs = this.#clock.nowMs();
    const number = ++this.#number;
    const messageId = `<load.${number}.${this.#world.seed.replace(/\W/g, '')}@partner.test>`;
    const from = { name: `Partner ${number % 50}`, address: `p${number % 50}@partner.test` };
    const properties = new Map<PropertyKey, Property>([
      [key.subject, { type: 'String', value: `Mail ${number} from outside` }],
      [key.sentAt, { type: 'SystemTime', value: Math.floor(sentAtMs / 1000) * 1000 }],
      [key.messageId, { type: 'String', value: messageId }],
    ]);
    const text = `Number ${number}.\r\n`;
    const mime = composeMime(
      plainContent({ properties, from, to: [{ name: '', address: to }], body: { type: 'Text', text } }),
    );
    if (this.#sent.length >= keptMax) this.#sent.splice(0, keptMax >> 1);
    this.#sent.push({ messageId, to, sentAtMs });
    this.#world.postOffice.receive(from.address, contentOfMime(mime), [to]);
    return messageId;
  }

  report(): MailLoadReport {
    const own = new Set(this.#sent.map(({ messageId }) => messageId));
    const count = { delivered: 0, bounced: 0, left: 0 };
    for (const { messageId, kind } of this.#world.postOffice.outcomes) if (own.has(messageId)) count[kind]++;
    return { sent: this.#sent.length, ...count, isRunning: this.#stop !== null };
  }

  /** Every mail of the loads, from that place in their order on, with where it is at this moment. */
  *mails(since = 0): Generator<TrackedMail> {
    const outcomes = new Map<string, Outcome[]>();
    for (const one of this.#world.postOffice.outcomes) {
      const list = outcomes.get(one.messageId);
      if (list === undefined) outcomes.set(one.messageId, [one]);
      else list.push(one);
    }
    const wanted = new Set(this.#sent.slice(since).map(({ messageId }) => messageId));
    const places = new Map<string, MailPlace[]>();
    for (const organization of this.#world.organizations)
      for (const mailbox of organization.writtenMailboxes())
        for (const folder of mailbox.folders())
          for (const item of folder.items()) {
            const id = item.gone ? null : item.text(key.messageId);
            if (id === null || !wanted.has(id)) continue;
            const place = {
              organization: organization.name,
              mailbox: mailbox.address,
              folder: folder.role ?? folder.name,
            };
            const list = places.get(id);
            if (list === undefined) places.set(id, [place]);
            else list.push(place);
          }
    for (const { messageId, to, sentAtMs } of this.#sent.slice(since))
      yield {
        messageId,
        to,
        sentAtMs,
        outcomes: (outcomes.get(messageId) ?? []).map(({ atMs, kind, detail }) => ({ atMs, kind, detail })),
        places: places.get(messageId) ?? [],
      };
  }
}
