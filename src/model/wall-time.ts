import type { Brand } from '#kit/brand.ts';

/** A calendar day without a zone, `2024-03-11`: years 1601 to 4500. */
export type Day = Brand<'Day'>;

/** What a clock on the wall shows, as milliseconds since 1970-01-01 00:00 of that clock, as if it were UTC. No instant without a zone. */
export type WallTime = number & { readonly __wall?: never };

const DAY_MS = 86_400_000;

export const dayOfWall = (wall: WallTime): Day => new Date(wall).toISOString().slice(0, 10) as Day;
export const wallOfDay = (day: Day): WallTime => Date.parse(`${day}T00:00:00Z`);
export const addDays = (day: Day, days: number): Day => dayOfWall(wallOfDay(day) + days * DAY_MS);
