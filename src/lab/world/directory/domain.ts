import type { Controller } from './controller.ts';
import type { DomainPlan } from './seed.ts';

/** One domain of a forest: a naming context of its own, on one or two controllers. */
export class Domain {
  /** DNS name. */
  readonly name: string;
  readonly dn: string;
  /** The name that stands before the backslash of a sign-in. */
  readonly netbios: string;
  /** Host names of its controllers. */
  readonly hosts: readonly [string, string];
  readonly #plan: DomainPlan;
  readonly #first: Controller;
  #second: Controller | null = null;
  readonly #onSecond: (made: Controller) => void;

  /** @param onSecond told when a second controller was made. */
  constructor(plan: DomainPlan, first: Controller, onSecond: (made: Controller) => void) {
    this.name = plan.name;
    this.dn = plan.dn;
    this.netbios = plan.netbios;
    this.hosts = plan.hosts;
    this.#plan = plan;
    this.#first = first;
    this.#onSecond = onSecond;
  }

  get first(): Controller {
    return this.#first;
  }
  /** Made when somebody asks for it: a domain that nobody compares needs no second copy. */
  get second(): Controller {
    if (this.#second === null) {
      this.#second = this.#first.copy(this.#plan.hosts[1], this.#plan.invocationIds[1]);
      this.#onSecond(this.#second);
    }
    return this.#second;
  }
  /** Those that were made. */
  get controllers(): readonly Controller[] {
    return this.#second === null ? [this.#first] : [this.#first, this.#second];
  }
}
