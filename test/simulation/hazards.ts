import type { Connector, Context, Mailbox } from '#connectors/contract.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Store } from '#store/store.ts';
import { Crash, type Life } from './stage.ts';
import { calm, type FaultMix } from './swarm.ts';

/** The world in which things go wrong. */
export interface HazardHost {
  readonly random: Random;
  readonly clock: SteppingClock;
  readonly events: string[];
  /** Time passes, and what was planned for it happens. Undefined: it is over already. */
  advance(ms: number): Promise<void> | undefined;
  later(atMs: number, work: () => Promise<unknown>): void;
  /** People do not wait until a pass is over. */
  meanwhile(): void;
  /** They change a series of which the occurrences are still to be written. No server can tell who wrote an occurrence last: these they leave. */
  halfway?(): void;
  /** This worker is not heard of until its lease has ended and another has done its work. */
  takenOver(): Promise<void>;
  /** Told of every request before it is made. */
  beforeCall?(side: 'left' | 'right', operation: string): void;
  /** Called when nothing goes wrong any more, and when it does again. */
  setCalm(isCalm: boolean): void;
}

const typedName = (name: string): string => `typed${name.charAt(0).toUpperCase()}${name.slice(1)}`;
const writing: ReadonlySet<string> = new Set([
  'create',
  'update',
  'move',
  'remove',
  'createFolder',
  'renameFolder',
  'moveFolder',
  'removeFolder',
  'typedCreate',
  'typedUpdate',
  'typedMove',
  'typedRemove',
]);

/** Faults of a mix around the store and the connectors of one life of the program. */
export class Hazards {
  private readonly host: HazardHost;
  private readonly mix: FaultMix;
  /** Sides on which a create may be on its way when the program dies. */
  private readonly lateSides: readonly ('left' | 'right')[];
  /** Reasons for which nothing goes wrong just now. */
  private quiet = 0;

  constructor(host: HazardHost, mix: FaultMix, lateSides: readonly ('left' | 'right')[]) {
    this.host = host;
    this.mix = mix;
    this.lateSides = lateSides;
  }

  chance(name: keyof FaultMix): boolean {
    const mix = this.quiet > 0 ? calm : this.mix;
    return mix[name] > 0 && this.host.random.next() < mix[name];
  }

  /** Adds a reason for calm, or takes one away. */
  calmDown(by: 1 | -1): void {
    this.quiet += by;
    this.host.setCalm(this.quiet > 0);
  }

  itemFault(operation: string, id: string): Fault | null {
    if ((operation === 'create' || operation === 'typedCreate') && this.chance('itemPoisoned'))
      return { kind: 'poison', reason: 'refused-by-target', detail: `planted for ${id}` };
    if (this.chance('itemFails')) return { kind: 'transient', detail: 'planted', mayHaveHappened: false };
    return null;
  }

  mortalStore(store: Store, life: Life): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (name === 'commit' && !life.dead && this.chance('crash')) life.dead = true;
          if (life.dead) throw new Crash('before a call of the store');
          const answer = await (value as (...a: unknown[]) => unknown).apply(target, args);
          if (name === 'commit' && this.chance('crash')) life.dead = true;
          if (life.dead) throw new Crash('after a call of the store');
          return answer;
        };
      },
    });
  }

  mortal(connector: Connector, life: Life, side: 'left' | 'right'): Connector {
    return {
      organization: connector.organization,
      // Not a copy: they become more precise with the first answer.
      get abilities() {
        return connector.abilities;
      },
      close: () => connector.close(),
      mailbox: (address) => this.mortalMailbox(connector.mailbox(address), life, side),
    };
  }

  private mortalMailbox(mailbox: Mailbox, life: Life, side: 'left' | 'right'): Mailbox {
    return new Proxy(mailbox, {
      get: (target, name) => {
        if (name === 'typed')
          return (kind: TypedKind) => {
            const typed = target.typed(kind);
            return typed && this.mortalCalls(typed, life, side, typedName);
          };
        return this.mortalCall(target, name, life, side, String);
      },
    });
  }

  private mortalCalls<T extends object>(calls: T, life: Life, side: 'left' | 'right', named: (n: string) => string): T {
    return new Proxy(calls, {
      get: (target, name) => this.mortalCall(target, name, life, side, (n) => named(String(n))),
    });
  }

  private mortalCall(
    target: object,
    name: string | symbol,
    life: Life,
    side: 'left' | 'right',
    named: (name: string | symbol) => string,
  ): unknown {
    const value = Reflect.get(target, name) as unknown;
    if (typeof value !== 'function') return value;
    return (...args: unknown[]) =>
      this.call(
        () => (value as (...a: unknown[]) => Promise<unknown>).apply(target, args),
        named(name),
        args.at(-1) as Context,
        life,
        side,
      );
  }

  private async call(
    work: () => Promise<unknown>,
    operation: string,
    context: Context,
    life: Life,
    side: 'left' | 'right',
  ): Promise<unknown> {
    const { host } = this;
    if (life.dead) throw new Crash('before a request');
    const passing = host.advance(1 + host.random.int(50));
    if (passing) await passing;
    if (life.dead) throw new Crash('before a request');
    const writes = writing.has(operation);
    const creates = operation === 'create' || operation === 'typedCreate';
    if (creates && this.lateSides.includes(side) && this.chance('lateWrite')) {
      life.dead = true;
      host.events.push('died while a create was on its way');
      const left = context.deadlineMs - host.clock.monotonicMs();
      life.late = true;
      host.later(host.clock.nowMs() + host.random.int(Math.max(1, left)), () => work().catch(() => {}));
      throw new Crash('while a create was on its way');
    }
    if (this.chance('crash')) {
      life.dead = true;
      throw new Crash('before a request');
    }
    if (writes && this.chance('stall')) await this.stall();
    // A request that could not be sent within its deadline is not sent at all.
    if (host.clock.monotonicMs() > context.deadlineMs)
      throw new FaultError({ kind: 'transient', detail: 'too late', mayHaveHappened: false });
    if (this.chance('lostRequest')) {
      host.events.push(`${side}: ${operation}: the request is lost`);
      throw new FaultError({ kind: 'transient', detail: 'request lost', mayHaveHappened: writes });
    }
    if (this.chance('throttled')) throw new FaultError({ kind: 'throttled', retryAfterMs: 5000, limit: 'planted' });
    if ((operation === 'changes' || operation === 'typedChanges') && this.chance('cursorLost'))
      throw new FaultError({ kind: 'cursor-lost' });
    host.beforeCall?.(side, operation);
    if (this.chance('meanwhile')) host.meanwhile();
    if (writes && this.chance('race')) host.meanwhile();
    const answer = await work();
    if (this.chance('lostAnswer')) {
      host.events.push(`${side}: ${operation}: the answer is lost`);
      throw new FaultError({ kind: 'transient', detail: 'answer lost', mayHaveHappened: writes });
    }
    if (this.chance('crash')) {
      life.dead = true;
      throw new Crash('after a request');
    }
    return answer;
  }

  /** Between a series and its occurrences, which are requests of their own: throws to leave it so. */
  halfway(operation: string): void {
    const { host } = this;
    // A copy that is not complete yet nobody has seen.
    if (operation === 'typedUpdate' && this.chance('race')) host.halfway?.();
    if (!this.chance('halfway')) return;
    const dies = host.random.int(2) === 0;
    host.events.push(`${dies ? 'died' : 'lost'} between a series and its occurrences`);
    if (dies) throw new Crash('between a series and its occurrences');
    throw new FaultError({ kind: 'transient', detail: 'occurrences lost', mayHaveHappened: true });
  }

  /** Whoever asks is not heard of until its lease has ended and another has done its work. */
  async stall(): Promise<void> {
    this.host.events.push('stalled; another takes over');
    await this.host.takenOver();
  }
}
