import { type MapiProperty, propertySets } from '#model/property-row.ts';

/** PidLidGlobalObjectId and PidLidCleanGlobalObjectId, [MS-OXOCAL] 2.2.1.27, 2.2.1.28. */
export const globalObjectId: MapiProperty = { set: propertySets.meeting, lid: 0x0003, type: 'binary' };
export const cleanGlobalObjectId: MapiProperty = { set: propertySets.meeting, lid: 0x0023, type: 'binary' };
