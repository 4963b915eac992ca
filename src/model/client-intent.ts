import type { EventFields } from './appointment.ts';
import { type MapiProperty, propertySets } from './property-row.ts';

/**
 * PidLidClientIntent: what somebody did to a copy of a meeting, on purpose. The Calendar Repair Assistant asks the version store for it
 * before it undoes a difference, and takes what says nothing for an accident, as it did with what Outlook 2007 deleted. [MS-OXOCAL] 2.2.2.4
 */
export const clientIntent = {
  set: propertySets.calendarAssistant,
  lid: 0x15,
  type: 'integer',
} as const satisfies MapiProperty;

/** Bits of it. */
const manager = 0x1;
const deletedWithNoResponse = 0x4;
const deletedExceptionWithNoResponse = 0x8;
const modifiedStart = 0x80;
const modifiedEnd = 0x100;
const modifiedLocation = 0x200;

/**
 * Of a copy that is kept in step with the person's other calendar: where it differs from the organizer's, the person said so there, or the
 * other organization's servers will.
 */
export const keptInStep = manager | deletedExceptionWithNoResponse | modifiedStart | modifiedEnd | modifiedLocation;

/** Of a copy that goes because it went over there. */
export const goesAsWell = manager | deletedWithNoResponse;

/** A copy of a meeting that somebody else called: asfReceived. [MS-OXOCAL] 2.2.1.10 */
export const isReceived = ({ stateFlags }: Partial<Readonly<Record<keyof EventFields, unknown>>>): boolean =>
  (Number(stateFlags) & 2) !== 0;
