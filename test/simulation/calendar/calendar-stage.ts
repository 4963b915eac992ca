import type { Connector } from '#connectors/contract.ts';
import type { Life, Stage, StageHost } from '../stage.ts';
import type { RivalMove } from './rivals.ts';
import type { SimulatedCalendar } from './simulated-calendar.ts';

export interface SimulatedCalendarSide {
  readonly calendar: SimulatedCalendar;
  /** The connector of one life of the program. */
  connect(life: Life): Connector;
}

/** What stands between the program and the two calendars of a world. */
export interface CalendarStage extends Omit<Stage, 'left' | 'right'> {
  readonly left: SimulatedCalendarSide;
  readonly right: SimulatedCalendarSide;
  /**
   * Whether servers keep what they are given about organizers, answers of attendees and sequence numbers. Over EWS they know these better:
   * the owner of the mailbox organizes, nobody has answered, and every change of a meeting is counted.
   */
  readonly isObedient: boolean;
  /** Who else writes because of the same events, where there is machinery. */
  readonly rivals: readonly RivalMove[];
  /** What machinery and clients make of what is there, when everything else is over. */
  aftermath(): void;
}

export type OpenCalendarStage = (host: StageHost) => CalendarStage;
