import type { Organization } from './organization.ts';

/** Levels of calendar folder permissions, weakest first. (EWS doc: CalendarPermissionLevel) */
export const calendarLevels = [
  'None',
  'FreeBusyTimeOnly',
  'FreeBusyTimeAndSubjectAndLocation',
  'Reviewer',
  'Author',
  'Editor',
  'Owner',
] as const;
export type CalendarLevel = (typeof calendarLevels)[number];

export interface Delegate {
  readonly address: string;
  readonly level: CalendarLevel;
  readonly receivesCopies: boolean;
  readonly seesPrivate: boolean;
  /** Levels in the other folders that a delegate is given, by the names of EWS (`Tasks`, `Inbox`, …); those left out are None. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/** Who gets requests of somebody with delegates. (EWS doc: delivermeetingrequests) */
export const requestDeliveries = [
  'DelegatesOnly',
  'DelegatesAndMe',
  'DelegatesAndSendInformationToMe',
  'NoForward',
] as const;
export type RequestDelivery = (typeof requestDeliveries)[number];

/** Who may see whose calendar in an organization, and who receives copies of requests. Addresses are compared in lower case. */
class CalendarRights {
  readonly #of = new Map<string, Map<string, Delegate>>();
  readonly #deliveries = new Map<string, RequestDelivery>();
  readonly #everybody = new Map<string, CalendarLevel>();
  readonly #viewers = new Map<string, CalendarLevel>();

  add(owner: string, delegate: Delegate): void {
    const key = owner.toLowerCase();
    const list = this.#of.get(key) ?? new Map<string, Delegate>();
    this.#of.set(key, list);
    list.set(delegate.address.toLowerCase(), { ...delegate, address: delegate.address.toLowerCase() });
  }
  remove(owner: string, delegate: string): boolean {
    return this.#of.get(owner.toLowerCase())?.delete(delegate.toLowerCase()) ?? false;
  }
  of(owner: string): readonly Delegate[] {
    return [...(this.#of.get(owner.toLowerCase())?.values() ?? [])];
  }
  delegate(owner: string, address: string): Delegate | null {
    return this.#of.get(owner.toLowerCase())?.get(address.toLowerCase()) ?? null;
  }

  setDelivery(owner: string, delivery: RequestDelivery): void {
    this.#deliveries.set(owner.toLowerCase(), delivery);
  }
  delivery(owner: string): RequestDelivery {
    return this.#deliveries.get(owner.toLowerCase()) ?? 'DelegatesAndSendInformationToMe';
  }

  /** What everybody of the organization sees: the Default entry of the calendar's permissions. */
  setDefault(owner: string, level: CalendarLevel): void {
    this.#everybody.set(owner.toLowerCase(), level);
  }
  /** What a person sees who is no delegate: an entry of the calendar's permissions. */
  setViewer(owner: string, viewer: string, level: CalendarLevel): void {
    this.#viewers.set(`${owner.toLowerCase()} ${viewer.toLowerCase()}`, level);
  }
  /** How much somebody sees of a calendar. @param viewer null: nobody in particular, as administrators and strangers. */
  levelFor(owner: string, viewer: string | null): CalendarLevel {
    if (viewer !== null && viewer.toLowerCase() === owner.toLowerCase()) return 'Owner';
    const own = viewer === null ? null : this.delegate(owner, viewer);
    const seen = viewer === null ? undefined : this.#viewers.get(`${owner.toLowerCase()} ${viewer.toLowerCase()}`);
    return own?.level ?? seen ?? this.#everybody.get(owner.toLowerCase()) ?? 'FreeBusyTimeOnly';
  }
}

export const atLeast = (level: CalendarLevel, least: CalendarLevel): boolean =>
  calendarLevels.indexOf(level) >= calendarLevels.indexOf(least);

const all = new WeakMap<Organization, CalendarRights>();

/** The rights of an organization's calendars: none but the owners' until somebody gives some. */
export function calendarRightsOf(organization: Organization): CalendarRights {
  const rights = all.get(organization) ?? new CalendarRights();
  all.set(organization, rights);
  return rights;
}
