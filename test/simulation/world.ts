import { runMailPass } from '#jobs/mail/mail-pass.ts';
import { FaultError } from '#kit/fault.ts';
import { type Random, seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { ItemId, PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { FencedOut, type Store } from '#store/store.ts';
import { Hazards } from './hazards.ts';
import { type Allowance, sourceStep, targetStep } from './people.ts';
import { borrowStore, type StoreKind, told } from './shared-store.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import { Crash, type Life, type OpenStage, type Stage } from './stage.ts';
import { swarm } from './swarm.ts';

const requestDeadlineMs = 15_000;

/** Two organizations, one pair, the program, and everything that goes wrong; all of it from one seed. */
export class World {
  readonly random: Random;
  readonly clock = new SteppingClock(1_700_000_000_000);
  readonly left: SimulatedMailbox;
  readonly right: SimulatedMailbox;
  readonly pair: PairId;
  readonly allowances = new Map<string, Allowance>();
  readonly events: string[] = [];
  private readonly hazards: Hazards;
  readonly store: Store;
  private readonly stage: Stage;
  /** Also shorter than a request: then whoever takes over finds requests of the dead on their way. */
  private readonly leaseMs: number;
  private readonly isBusyWithOne: boolean;
  private uid = 0;
  /** What was on the target when a pass last went through. */
  private readBack: ReadonlySet<ItemId> = new Set();

  private constructor(seed: number, { store, no }: { readonly store: Store; readonly no: number }, open: OpenStage) {
    this.random = seededRandom(seed);
    this.isBusyWithOne = seed % 4 === 3;
    const mix = swarm(this.random);
    this.leaseMs = this.random.int(2) === 0 ? 60_000 : 5_000;
    this.store = store;
    this.stage = open({
      seed,
      clock: this.clock,
      itemFault: (operation, id) => this.hazards.itemFault(operation, id),
      sourceStep: () => this.sourceStep(),
      targetStep: () => this.targetStep(),
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
        meanwhile: () => this.meanwhile(),
        takenOver: () => this.takenOver(),
        setCalm: (isCalm) => this.stage.setCalm(isCalm),
      },
      mix,
      ['right'],
    );
    this.left = this.stage.left.mailbox;
    this.right = this.stage.right.mailbox;
    this.pair = `${this.left.address} → ${this.right.address} ${no}` as PairId;
  }

  static async open(seed: number, stage: OpenStage, store: StoreKind = 'sqlite'): Promise<World> {
    const borrowed = await borrowStore(store);
    const world = new World(seed, borrowed, stage);
    borrowed.goBy(world.clock);
    await world.register();
    const start = world.random.int(30);
    for (let i = 0; i < start; i++) world.sourceStep();
    return world;
  }

  private async register(): Promise<void> {
    await this.store.putPairs([
      {
        id: this.pair,
        kind: 'mail',
        collection: 'all',
        left: { organization: 'source', address: this.left.address, mailbox: null },
        right: { organization: 'target', address: this.right.address, mailbox: null },
      },
    ]);
    await this.store.ensureWork([{ key: `mail:${this.pair}`, priority: 0, nextAtMs: 0 }]);
  }

  /** The store goes on to the next world, which must not find work of this one. */
  async close(): Promise<void> {
    const [claim] = await this.store.claim('the end', 'mail:', 1, Number.MAX_SAFE_INTEGER, 0);
    if (claim) await this.store.complete(claim, { nextAtMs: null, failed: false });
    await this.store.forget(this.pair);
    await this.stage.close();
  }

  allow(uid: string): Allowance {
    const known = this.allowances.get(uid) ?? { fields: new Set(), moved: false, removed: 0, expunged: 0, copied: 0 };
    this.allowances.set(uid, known);
    return known;
  }

  private sourceStep(): void {
    sourceStep(this.left, this.random, () => `${++this.uid}`, this.isBusyWithOne);
  }

  private targetStep(): void {
    targetStep(this.right, this.random, this.readBack, (uid) => this.allow(uid), this.isBusyWithOne);
  }

  /** People do not wait until a pass is over. */
  private meanwhile(): void {
    this.sourceStep();
    if (this.hazards.chance('targetPeople')) this.targetStep();
  }

  /** Nothing to wait for: time passed at once. */
  private async advance(ms: number): Promise<void> {
    const passing = this.stage.advance(ms);
    if (passing) await passing;
  }

  /** People work, then a pass runs, with whatever goes wrong. */
  async step(): Promise<void> {
    const edits = this.random.int(6);
    for (let i = 0; i < edits; i++) this.sourceStep();
    if (this.hazards.chance('targetPeople')) this.targetStep();
    if (this.hazards.chance('laterTouch')) this.touch();
    if (this.hazards.chance('storeLost')) {
      this.events.push('store lost');
      await this.store.forget(this.pair);
    }
    await this.pass();
    await this.advance(this.random.int(30_000));
  }

  private touch(): void {
    const items = this.right.items();
    const item = items[this.random.int(Math.max(1, items.length))];
    if (item) this.right.touch(item.id);
  }

  /**
   * No more faults; passes until nothing is left to do.
   * @param everything Whether the first of them looks behind the marks.
   * @returns how many passes it took, or null when it does not end.
   */
  async quiesce(everything: boolean): Promise<number | null> {
    this.hazards.calmDown(1);
    for (let n = 1; n <= 15; n++) {
      await this.advance(this.leaseMs + requestDeadlineMs);
      const result = await this.pass(everything && n === 1);
      if (result)
        this.events.push(`calm pass ${n}: ${result.again ? 'again' : 'done'} ${JSON.stringify(result.counts)}`);
      if (n > 1 && result && !result.again && result.summary.writes === 0) return n;
    }
    return null;
  }

  async pass(everything = this.random.next() < 0.1): Promise<Awaited<ReturnType<typeof runMailPass>> | null> {
    const life: Life = { dead: false, late: false };
    await this.store.notify([`mail:${this.pair}`], this.clock.nowMs());
    const [claim] = await this.store.claim(
      `worker ${this.clock.nowMs()}`,
      'mail:',
      1,
      this.clock.nowMs(),
      this.leaseMs,
    );
    if (!claim) return null;
    try {
      const result = await runMailPass(
        {
          store: this.hazards.mortalStore(this.store, life),
          policy: { ...defaultMailPolicy, maxDelete: { share: 1, atLeast: 1000 } },
          clock: this.stage.clock,
          random: this.random,
          left: this.hazards.mortal(this.stage.left.connect(life), life, 'left'),
          right: this.hazards.mortal(this.stage.right.connect(life), life, 'right'),
          requestDeadlineMs,
          lanes: 1 + this.random.int(3),
        },
        this.pair,
        claim,
        new AbortController().signal,
        { everything },
      );
      await this.store.complete(claim, { nextAtMs: this.clock.nowMs(), failed: false });
      this.readBack = new Set(this.right.items().map((item) => item.id));
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
