import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import { FaultError } from '#kit/fault.ts';
import { type Random, seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId, PairId } from '#model/ids.ts';
import { defaultTypedPolicy, type TypedPolicy } from '#model/policy.ts';
import { FencedOut, type Store, trackId } from '#store/store.ts';
import { Hazards } from '../hazards.ts';
import { borrowStore, type StoreKind, told } from '../shared-store.ts';
import { Crash, type Life } from '../stage.ts';
import { type FaultMix, swarm } from '../swarm.ts';
import { calendarStep, editStep } from './calendar-people.ts';
import type { CalendarPerson } from './calendar-person.ts';
import type { CalendarStage, OpenCalendarStage } from './calendar-stage.ts';
import { freshLedger, type Ledger } from './ledger.ts';
import type { RivalMove } from './rivals.ts';
import type { SimulatedCalendar } from './simulated-calendar.ts';

const requestDeadlineMs = 15_000;
const policies: readonly TypedPolicy['conflict'][] = ['active', 'newest', 'source', 'target'];

/** What goes on beside the people's ordinary days. */
export interface Plot {
  /** Default: by the seed. */
  readonly mix?: FaultMix;
  /** Whether the rivals of the stage write too. */
  readonly hasRivals?: boolean;
  /** People work on patterns and occurrences of the same two series, and on nothing else. */
  readonly isAboutSeries?: boolean;
  /** Begin with empty calendars. */
  readonly isEmpty?: boolean;
  /** Default: a database. */
  readonly store?: StoreKind;
}

/** Two calendars of one person, people on both sides, the program, and everything that goes wrong; all of it from one seed. */
export class CalendarWorld {
  readonly random: Random;
  readonly clock = new SteppingClock(1_700_000_000_000);
  readonly left: SimulatedCalendar;
  readonly right: SimulatedCalendar;
  readonly pair: PairId;
  readonly track: PairId;
  readonly ledger: Ledger = freshLedger();
  /** Every event that was ever in a calendar. */
  readonly seen = new Set<EventIdentity>();
  /** Of every item that was ever seen in a calendar. */
  readonly identities = new Map<ItemId, EventIdentity>();
  readonly events: string[] = [];
  readonly store: Store;
  private readonly hazards: Hazards;
  private readonly stage: CalendarStage;
  private readonly policy: TypedPolicy;
  /** Also shorter than a request: then whoever takes over finds requests of the dead on their way. */
  private readonly leaseMs: number;
  /** Told of every request of ours before it is made. */
  onCall: (() => void) | null = null;
  private readonly rivals: readonly RivalMove[];
  private readonly isBusyWithOne: boolean;
  private readonly isAboutSeries: boolean;
  private readonly hasMeetings: boolean;
  private number = 0;
  private lastMoment = 0;
  /** Passes that are going on: one that stalls has another one in it. */
  private passes = 0;
  /** What somebody began during a pass and is done with when it is over. */
  private pending: (() => void)[] = [];
  /** Whether passes are told that something changed, which spares them the trees. */
  private readonly hasNotice: boolean;

  private constructor(
    seed: number,
    { store, no }: { readonly store: Store; readonly no: number },
    open: OpenCalendarStage,
    plot: Plot,
  ) {
    this.random = seededRandom(seed);
    const mix = plot.mix ?? swarm(this.random);
    this.isAboutSeries = plot.isAboutSeries ?? false;
    this.isBusyWithOne = this.isAboutSeries || seed % 3 === 2;
    this.hasMeetings = seed % 5 >= 3;
    this.leaseMs = this.random.int(2) === 0 ? 60_000 : 5_000;
    this.hasNotice = this.random.int(3) === 0;
    this.policy = {
      ...defaultTypedPolicy,
      conflict: policies[this.random.int(policies.length)] ?? 'active',
      active: this.random.int(2) === 0 ? 'left' : 'right',
      maxDelete: { share: 1, atLeast: 1000 },
    };
    this.store = store;
    this.stage = open({
      seed,
      clock: this.clock,
      itemFault: (operation, id) => this.hazards.itemFault(operation, id),
      sourceStep: () => this.personStep('left'),
      targetStep: () => this.personStep('right'),
      stall: () => this.hazards.stall(),
      halfway: (operation) => this.hazards.halfway(operation),
      isStoreLost: () => this.events.includes('store lost'),
    });
    this.hazards = new Hazards(
      {
        random: this.random,
        clock: this.clock,
        events: this.events,
        advance: (ms) => this.stage.advance(ms),
        later: (atMs, work) => this.stage.later(atMs, work),
        meanwhile: () => this.someStep(),
        halfway: () => this.personStep(this.random.int(2) === 0 ? 'left' : 'right', editStep),
        takenOver: () => this.takenOver(),
        beforeCall: (side, operation) => {
          this.onCall?.();
          this.events.push(`${side}: ${operation}`);
        },
        setCalm: (isCalm) => this.stage.setCalm(isCalm),
      },
      mix,
      ['left', 'right'],
    );
    this.rivals = plot.hasRivals ? this.stage.rivals : [];
    this.left = this.stage.left.calendar;
    this.right = this.stage.right.calendar;
    this.pair = `${this.left.address} → ${this.right.address} ${no}` as PairId;
    this.track = trackId(this.pair, 'calendar');
  }

  static async open(seed: number, stage: OpenCalendarStage, plot: Plot = {}): Promise<CalendarWorld> {
    const borrowed = await borrowStore(plot.store ?? 'sqlite');
    const world = new CalendarWorld(seed, borrowed, stage, plot);
    borrowed.goBy(world.clock);
    const { store } = borrowed;
    await store.putPairs([
      {
        id: world.track,
        kind: 'calendar',
        collection: 'all',
        left: { organization: 'source', address: world.left.address, mailbox: null },
        right: { organization: 'target', address: world.right.address, mailbox: null },
      },
    ]);
    await store.ensureWork([{ key: world.workKey, priority: 0, nextAtMs: 0 }]);
    const start = plot.isEmpty ? 0 : world.random.int(12);
    for (let i = 0; i < start; i++) world.personStep('left');
    return world;
  }

  private get workKey(): string {
    return `calendar:${this.pair}`;
  }

  /** What the passes recorded, for whoever replays a life. */
  async tellHistory(): Promise<void> {
    for (const h of (await this.store.history({ pair: this.track }, 300)).toReversed()) {
      this.events.push(
        `pass ${h.pass}: ${h.action} ${h.left ?? ''} → ${h.right ?? ''}: ${h.reason}, ${h.outcome} ${h.detail ?? ''}`,
      );
    }
    for (const j of (await this.store.journal({ pair: this.track }, 300)).toReversed())
      this.events.push(
        `journal: ${j.field} ${j.day ?? ''}: ${JSON.stringify([j.left, j.right])} ${j.winner}: ${j.why}`,
      );
    for (const side of ['left', 'right'] as const)
      for (const { identity, id, item } of this[side].events())
        this.events.push(`${side} has event ${identity.slice(-8)} as ${id}: ${item.fields.subject}`);
  }

  /** The store goes on to the next world, which must not find work of this one. */
  async close(): Promise<void> {
    const [claim] = await this.store.claim('the end', 'calendar:', 1, Number.MAX_SAFE_INTEGER, 0);
    if (claim) await this.store.complete(claim, { nextAtMs: null, failed: false });
    await this.store.forget(this.track);
    await this.stage.close();
  }

  rivalStep(move: RivalMove): void {
    this.events.push(`rival: ${move.name}`);
    move.act({
      left: this.left,
      right: this.right,
      ledger: this.ledger,
      next: () => ++this.number,
      soon: (work) => {
        this.pending.push(work);
        if (this.passes === 0) this.finishPending();
      },
    });
    this.look();
  }

  private finishPending(): void {
    if (this.pending.length === 0) return;
    for (const work of this.pending.splice(0)) work();
    this.look();
  }

  /** In whole seconds, which is what every protocol keeps, and never the same twice. */
  private moment(): number {
    this.lastMoment = Math.max(this.lastMoment + 1000, Math.floor(this.clock.nowMs() / 1000) * 1000);
    return this.lastMoment;
  }

  /** Events are remembered as soon as they are there. */
  look(): void {
    for (const calendar of [this.left, this.right])
      for (const { identity, id } of calendar.events()) {
        this.seen.add(identity);
        this.identities.set(id, identity);
      }
  }

  private personStep(side: 'left' | 'right', step: (person: CalendarPerson) => void = calendarStep): void {
    const calendar = this[side];
    step({
      calendar,
      random: this.random,
      ledger: this.ledger,
      isBusyWithOne: this.isBusyWithOne,
      isAboutSeries: this.isAboutSeries,
      hasMeetings: this.hasMeetings,
      isMeanwhile: this.passes > 0,
      next: () => ++this.number,
      now: () => this.moment(),
      say: (deed) => void this.events.push(`${side}: ${deed}`),
    });
    this.look();
  }

  private someStep(): void {
    const rival = this.rivals[this.random.int(2 * Math.max(1, this.rivals.length))];
    if (rival) this.rivalStep(rival);
    else this.personStep(this.random.int(2) === 0 ? 'left' : 'right');
  }

  /** Nothing to wait for: time passed at once. */
  private async advance(ms: number): Promise<void> {
    const passing = this.stage.advance(ms);
    if (passing) await passing;
  }

  /** People work, then a pass runs, with whatever goes wrong. */
  async step(): Promise<void> {
    const edits = this.random.int(4);
    for (let i = 0; i < edits; i++) {
      this.someStep();
      await this.advance(this.random.int(5_000));
    }
    if (this.hazards.chance('laterTouch')) this.touch();
    if (this.hazards.chance('storeLost')) {
      this.events.push('store lost');
      await this.store.forget(this.track);
    }
    await this.pass();
    await this.advance(this.random.int(30_000));
  }

  private touch(): void {
    const calendar = this.random.int(2) === 0 ? this.left : this.right;
    const events = calendar.events();
    const event = events[this.random.int(Math.max(1, events.length))];
    if (event) calendar.touch(event.id);
  }

  /** See `CalendarStage`. */
  get isObedient(): boolean {
    return this.stage.isObedient;
  }

  /** What machinery and clients make of all this later. */
  aftermath(): void {
    this.stage.aftermath();
  }

  /**
   * No more faults; passes until nothing is left to do.
   * @returns how many passes it took, or null when it does not end.
   */
  async quiesce(everything: boolean): Promise<number | null> {
    this.hazards.calmDown(1);
    for (let n = 1; n <= 15; n++) {
      await this.advance(this.leaseMs + requestDeadlineMs);
      // The operator has looked at what was refused, and lets it be tried again.
      if (n === 1) await this.store.retryQuarantine({ pair: this.track });
      const result = await this.pass(everything && n === 1);
      if (result)
        this.events.push(`calm pass ${n}: ${result.again ? 'again' : 'done'} ${JSON.stringify(result.counts)}`);
      if (n > 1 && result && !result.again && result.summary.writes === 0) return n;
    }
    return null;
  }

  async pass(
    everything = this.random.next() < 0.1,
    noticed = this.hasNotice,
  ): Promise<Awaited<ReturnType<typeof runTypedPass>> | null> {
    this.finishPending();
    this.passes++;
    try {
      return await this.claimAndRun(everything, noticed);
    } finally {
      if (--this.passes === 0) this.finishPending();
    }
  }

  private async claimAndRun(
    everything: boolean,
    noticed: boolean,
  ): Promise<Awaited<ReturnType<typeof runTypedPass>> | null> {
    const life: Life = { dead: false, late: false };
    await this.store.notify([this.workKey], this.clock.nowMs());
    const now = this.clock.nowMs();
    const [claim] = await this.store.claim(`worker ${now}`, 'calendar:', 1, now, this.leaseMs);
    if (!claim) return null;
    try {
      const result = await runTypedPass(
        {
          store: this.hazards.mortalStore(this.store, life),
          policy: this.policy,
          clock: this.stage.clock,
          random: this.random,
          left: this.hazards.mortal(this.stage.left.connect(life), life, 'left'),
          right: this.hazards.mortal(this.stage.right.connect(life), life, 'right'),
          requestDeadlineMs,
        },
        this.pair,
        'calendar',
        claim,
        new AbortController().signal,
        { everything, noticed: !everything && noticed },
      );
      await this.store.complete(claim, { nextAtMs: this.clock.nowMs(), failed: false });
      return result;
    } catch (error) {
      this.events.push(told(error));
      if (error instanceof Crash || error instanceof FencedOut) {
        // The lease of the dead runs out; whoever takes over waits for what may still be on its way.
        await this.advance(this.random.int(2) === 0 ? this.leaseMs : this.leaseMs + requestDeadlineMs);
        return null;
      }
      if (!(error instanceof FaultError)) throw error;
      await this.store.complete(claim, { nextAtMs: this.clock.nowMs(), failed: true }).catch((fenced: unknown) => {
        if (!(fenced instanceof FencedOut)) throw fenced;
      });
      return null;
    }
  }

  /** This worker is not heard of until its lease has ended and another has done its work. */
  private async takenOver(): Promise<void> {
    await this.advance(this.leaseMs + 1);
    this.hazards.calmDown(1);
    await this.pass(false);
    this.hazards.calmDown(-1);
  }
}
