import { nextStep, type StepName, type StepRecord, stepNames } from './steps.ts';

type Place = 'source' | 'target';
export const places: readonly Place[] = ['source', 'target'];
const other = (place: Place): Place => (place === 'source' ? 'target' : 'source');

export interface ModelOptions {
  readonly order: readonly StepName[];
  /** False: a step does not wait until every controller and every transport server knows what it wrote. */
  readonly waits: boolean;
  /** False: nothing that came in meanwhile is carried back. */
  readonly carriesBack: boolean;
}
const asBuilt: ModelOptions = { order: stepNames, waits: true, carriesBack: true };

/** Of an organization: what each controller says about the person, and what each transport server last heard. */
interface Organization {
  /** Whether the entry redirects. The first one is written to; the others follow, in order, when they get to it. */
  readonly controllers: boolean[];
  readonly queues: boolean[][];
  readonly transports: boolean[];
}

/**
 * A person with a mailbox in each of two organizations, mail that arrives at either, and the switch as `steps.ts` orders it. Replication,
 * the memory of transport servers, crashes and the wish to go back come from outside, at any moment.
 */
export class RoutingModel {
  readonly violations: string[] = [];
  readonly #options: ModelOptions;
  readonly #organizations: Readonly<Record<Place, Organization>>;
  /** Mails in the mailboxes; one that is there twice is in the list twice. */
  readonly #mailboxes: Readonly<Record<Place, number[]>> = { source: [], target: [] };
  /** Those of which the other side has a copy of ours, or the original. */
  readonly #carried = new Set<number>();
  readonly #born = new Map<number, Place>();
  #records: StepRecord[] = [];
  #direction: StepRecord['direction'] = 'forward';
  /** What the program holds in memory, lost when it is killed. */
  #inWork: { readonly name: StepName; wrote: boolean } | null = null;
  #isOver = false;

  constructor(options: Partial<ModelOptions> = {}, controllers = 3) {
    this.#options = { ...asBuilt, ...options };
    const organization = (redirects: boolean): Organization => ({
      controllers: Array.from({ length: controllers }, () => redirects),
      queues: Array.from({ length: controllers }, () => []),
      transports: [redirects, redirects],
    });
    this.#organizations = { source: organization(false), target: organization(true) };
  }

  /** A mail for the person reaches an organization. Whatever it asks, it must come to exactly one mailbox. */
  mail(id: number, at: Place, chance: (count: number) => number): void {
    const may = (place: Place, redirects: boolean) => this.#answers(place).includes(redirects);
    if (may('source', true) && may('target', true)) this.violations.push('a mail may go round in circles');
    let here = at;
    for (let hops = 0; hops < 3; hops++) {
      const answers = this.#answers(here);
      if (answers[chance(answers.length)] !== true) break;
      here = other(here);
    }
    this.#born.set(id, here);
    this.#mailboxes[here].push(id);
  }

  /** Everything that somebody in that organization may say about the person at this moment. */
  #answers(place: Place): readonly boolean[] {
    const { controllers, transports } = this.#organizations[place];
    return [...controllers, ...transports];
  }

  replicate(place: Place, controller: number): void {
    const { controllers, queues } = this.#organizations[place];
    const at = controller % controllers.length;
    const value = queues[at]?.shift();
    if (value !== undefined) controllers[at] = value;
  }

  /** A transport server asks a controller anew. */
  refresh(place: Place, server: number, controller: number): void {
    const { controllers, transports } = this.#organizations[place];
    const heard = controllers[controller % controllers.length];
    if (heard !== undefined) transports[server % transports.length] = heard;
  }

  /** A pass of the agent, which goes on beside the switch. */
  pass(): void {
    if (this.#direction === 'forward' || this.#isOver) this.#carry('source');
  }

  kill(): void {
    this.#inWork = null;
  }

  wantBack(): void {
    if (this.#direction === 'undo') return;
    this.#direction = 'undo';
    this.#inWork = null;
    this.#isOver = false;
  }

  /** One thing that the program does: say that a step begins, write, find that it is seen, say that it is done. */
  advance(): void {
    if (this.#isOver) return;
    if (this.#inWork === null) {
      const next = nextStep(this.#records, this.#direction, this.#options.order);
      if (next === null) {
        this.#isOver = true;
        return;
      }
      this.#record(next.name, 'begun');
      this.#inWork = { name: next.name, wrote: false };
      return;
    }
    const { name, wrote } = this.#inWork;
    if (!wrote) {
      this.#write(name);
      this.#inWork.wrote = true;
      return;
    }
    if (this.#options.waits && !this.#isSeen(name)) return;
    this.#record(name, 'done');
    this.#inWork = null;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #record(step: StepName, state: StepRecord['state']): void {
    const direction = this.#direction;
    this.#records = [
      ...this.#records.filter((record) => record.step !== step || record.direction !== direction),
      { step, direction, state },
    ];
  }

  #write(name: StepName): void {
    const isBack = this.#direction === 'undo';
    if (name === 'open-target') this.#redirect('target', isBack);
    if (name === 'redirect-source') this.#redirect('source', !isBack);
    if (name === 'last-pass' && !isBack) this.#carry('source');
    if (name === 'catch-up') this.#carry(isBack ? 'target' : 'source');
  }

  #redirect(place: Place, redirects: boolean): void {
    const { controllers, queues } = this.#organizations[place];
    // Recognised as done already: what the entry says is read first.
    if (controllers[0] === redirects) return;
    controllers[0] = redirects;
    for (const queue of queues.slice(1)) queue.push(redirects);
  }

  #isSeen(name: StepName): boolean {
    if (name !== 'open-target' && name !== 'redirect-source') return true;
    const answers = this.#answers(name === 'open-target' ? 'target' : 'source');
    return answers.every((answer) => answer === answers[0]);
  }

  /** Copies what the other side lacks. What came from there, or is there already, is no news. */
  #carry(from: Place): void {
    if (from === 'target' && !this.#options.carriesBack) return;
    for (const id of this.#mailboxes[from]) {
      if (this.#carried.has(id) || this.#born.get(id) !== from) continue;
      this.#mailboxes[other(from)].push(id);
      this.#carried.add(id);
    }
  }

  /** Lets everything come to its end, and says what the person misses or has twice where they work then. */
  settle(): readonly string[] {
    for (let n = 0; n < 1000 && !this.#isOver; n++) {
      this.advance();
      for (const place of places)
        for (let at = 0; at < 3; at++) {
          this.replicate(place, at);
          this.refresh(place, at, at);
        }
    }
    if (!this.#isOver) return ['it does not come to an end'];
    const place: Place = this.#direction === 'undo' ? 'source' : 'target';
    if (place === 'target') this.#carry('source');
    const seen = this.#mailboxes[place];
    const problems = [...this.violations];
    for (const id of this.#born.keys()) {
      const count = seen.filter((one) => one === id).length;
      if (count !== 1) problems.push(`mail ${id} is ${count} times in the ${place}`);
    }
    return problems;
  }
}
