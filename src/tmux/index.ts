export { createTmux, explain, isGone, type Tmux } from './client.ts';
export { holdClient, type HeldClient } from './held.ts';
export { listingAhead, listPanes, type Marks, type PaneRow } from './panes.ts';
export { command, encodeMark, format, sequence } from './quote.ts';
export { clientVersion } from './client-version.ts';
export { isOldTmux, requireVersion } from './version.ts';
