export { closeOpened, type Closed } from './close.ts';
export { fixedPorts } from './fixed-ports.ts';
export { openCheckpoint, openedName, type Opened } from './open.ts';
export { homeOf, isGone, listOpened } from './places.ts';
