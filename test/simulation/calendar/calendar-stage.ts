import type { Connector } from '#connectors/contract.ts';
import type { Life, Stage, StageHost } from '../stage.ts';
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
}

export type OpenCalendarStage = (host: StageHost) => CalendarStage;
