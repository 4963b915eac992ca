import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Connector } from '../contract.ts';
import { aroundConnector, aroundMailbox, type MailboxOperation } from './around.ts';

/** What one call was like. No ids, no content. */
export interface CallRecord {
  readonly side: 'source' | 'target';
  readonly organization: string;
  readonly mailbox: string;
  readonly operation: MailboxOperation;
  readonly items: number;
  /** Decoded bytes of content that were moved. */
  readonly bytes: number;
  readonly ms: number;
  /** Null: answered. */
  readonly fault: Fault['kind'] | 'broken' | null;
  /** Items of an answered call that got a fault in their place. */
  readonly itemFaults: number;
}

/** Sums of calls, by side and operation. */
export interface Meter {
  add(record: CallRecord): void;
  readonly totals: ReadonlyMap<`${CallRecord['side']} ${MailboxOperation}`, Readonly<Totals>>;
}

export interface Totals {
  calls: number;
  items: number;
  bytes: number;
  ms: number;
  msMax: number;
  itemFaults: number;
  /** Calls that failed, by kind of fault. */
  faults: Partial<Record<NonNullable<CallRecord['fault']>, number>>;
}

export function meter(): Meter {
  const totals = new Map<`${CallRecord['side']} ${MailboxOperation}`, Totals>();
  return {
    totals,
    add(record) {
      const key = `${record.side} ${record.operation}` as const;
      let sum = totals.get(key);
      if (!sum) {
        sum = { calls: 0, items: 0, bytes: 0, ms: 0, msMax: 0, itemFaults: 0, faults: {} };
        totals.set(key, sum);
      }
      sum.calls++;
      sum.items += record.items;
      sum.bytes += record.bytes;
      sum.ms += record.ms;
      sum.msMax = Math.max(sum.msMax, record.ms);
      sum.itemFaults += record.itemFaults;
      if (record.fault !== null) sum.faults[record.fault] = (sum.faults[record.fault] ?? 0) + 1;
    },
  };
}

export interface RecordOptions {
  readonly side: CallRecord['side'];
  readonly clock: Clock;
  /** Called once for each call, after it: a meter, a trace, or both. */
  readonly note: (record: CallRecord) => void;
}

/** Tells about every call on the wire. Innermost, so that each attempt is seen. */
export function recorded(inner: Connector, { side, clock, note }: RecordOptions): Connector {
  return aroundConnector(inner, (mailbox) =>
    aroundMailbox(mailbox, async (call, context, make) => {
      const startedMs = clock.monotonicMs();
      const tell = (fault: CallRecord['fault'], answer: unknown) => {
        const places = placesOf(answer);
        note({
          side,
          organization: inner.organization,
          mailbox: call.address,
          operation: call.operation,
          items: call.items,
          bytes: call.writes ? call.bytes : receivedBytes(places),
          ms: clock.monotonicMs() - startedMs,
          fault,
          itemFaults: places.filter(isFault).length,
        });
      };
      try {
        const answer = await make(context);
        tell(null, answer);
        return answer;
      } catch (error) {
        tell(error instanceof FaultError ? error.fault.kind : 'broken', null);
        throw error;
      }
    }),
  );
}

function placesOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : answer instanceof Map ? [...answer.values()] : [];
}

function receivedBytes(places: readonly unknown[]): number {
  let bytes = 0;
  for (const place of places) {
    const mime = (place as { mime?: { sizeBytes?: unknown } } | null)?.mime;
    if (typeof mime?.sizeBytes === 'number') bytes += mime.sizeBytes;
  }
  return bytes;
}
