// What every page of the studio has: keys, Ctrl-K, and distances in time that go on. Pages work without it.
import { startKeys } from "./keys.js";
import { startPalette } from "./palette.js";

startPalette();
startKeys();
