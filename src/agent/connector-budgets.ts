import { adaptiveBudget } from '#connectors/wrappers/adaptive-budget.ts';
import type { Budgets, Budget as RequestBudget } from '#connectors/wrappers/paced.ts';
import type { Clock } from '#kit/clock.ts';
import { Recent } from '#kit/recent.ts';
import type { Budget, Organization } from '#project/project.ts';
import type { BudgetLimits, BudgetRecords } from '#store/store.ts';
import { storeBudget } from './budgets.ts';

/** Requests on their way where the project says nothing: what Exchange 2010 allows one caller, and a fair share of that per mailbox. */
const ORGANIZATION_IN_FLIGHT = 40;
const MAILBOX_IN_FLIGHT = 8;
/** Budgets of mailboxes in the memory of this process, more than it works on at a time; what counts is in the store. */
const MAILBOXES_KEPT = 1024;

/** Where all processes together keep count of what they ask of servers. */
export interface Counting {
  readonly shared: BudgetRecords;
  /** Name of this process among all. */
  readonly owner: string;
}

export interface WaitLog {
  /** Milliseconds waited for a mailbox since it was last asked, by the name of the limit. */
  take(address: string): Readonly<Record<string, number>>;
  note(address: string, limit: string, ms: number): void;
  /** A wait begins; one that goes on for longer than is known begins again and again. */
  begin(address: string, limit: string, ms: number): void;
}

/** @param begin told of waits as they begin. */
export function waitLog(begin: WaitLog['begin'] = () => {}): WaitLog {
  const waits = new Map<string, Record<string, number>>();
  return {
    begin,
    take(address) {
      const taken = waits.get(address) ?? {};
      waits.delete(address);
      return taken;
    },
    note(address, limit, ms) {
      const known = waits.get(address) ?? {};
      known[limit] = (known[limit] ?? 0) + ms;
      waits.set(address, known);
    },
  };
}

const unlimited: RequestBudget = { acquire: async () => () => {}, backOff: () => {} };

/** The budgets of an organization and its mailboxes, as the project file limits them. */
export function connectorBudgets(
  organization: Organization,
  counting: Counting,
  clock: Clock,
  waits: WaitLog,
): Budgets {
  const make = (name: string, who: string, budget: Budget, inFlight: number, isShared: boolean): RequestBudget => {
    const { requestsPerMinute, bytesPerMinute } = budget;
    const limits: BudgetLimits = { inFlightMax: budget.inFlight ?? inFlight, requestsPerMinute, bytesPerMinute };
    const onWait = (limit: string, ms: number) => waits.note(who, limit, ms);
    if (!isShared) {
      return adaptiveBudget({
        clock,
        inFlightMax: limits.inFlightMax,
        onWait,
        ...(requestsPerMinute === null ? {} : { requestsPerMinute }),
        ...(bytesPerMinute === null ? {} : { bytesPerMinute }),
      });
    }
    return storeBudget({
      store: counting.shared,
      clock,
      name,
      limits,
      owner: counting.owner,
      onWait(limit, ms) {
        waits.begin(who, limit, ms);
        onWait(limit, ms);
      },
    });
  };
  // What the Graph gives an application in a mailbox is counted where requests are made, by what is sent; twice would be too much.
  const isCountedBelow = organization.protocol === 'graph';
  const mailboxes = new Recent<string, RequestBudget>(MAILBOXES_KEPT);
  const shared = `organization ${organization.name}`;
  const { requestsPerMinute, bytesPerMinute } = organization.budgetPerMailbox;
  // A mailbox is worked on by few at a time, and each hears the server's word itself. To ask the store before every look at one of ten
  // thousand mailboxes would cost as much as the look.
  const isMailboxShared = requestsPerMinute !== null || bytesPerMinute !== null;
  const mailbox = (address: string) =>
    mailboxes.get(address, () =>
      isCountedBelow
        ? unlimited
        : make(
            `mailbox ${organization.name} ${address}`,
            address,
            organization.budgetPerMailbox,
            MAILBOX_IN_FLIGHT,
            isMailboxShared,
          ),
    );
  const isMailboxLimited = isMailboxShared || organization.budgetPerMailbox.inFlight !== null;
  return {
    organization: make(shared, shared, organization.budget, ORGANIZATION_IN_FLIGHT, true),
    mailbox,
    inUse: isMailboxLimited ? mailbox : (address) => mailboxes.known(address),
  };
}
